SELECT n.r.a, r.b.c, l[1].x, m['k'], CARDINALITY(l), CURRENT_WATERMARK(z), p FROM nested AS n WHERE r.b.c IS NOT DISTINCT FROM 'x' AND l IS NOT NULL
