import org.apache.flink.table.functions.ScalarFunction;

/** The trees of examples/fraud/model, with the weights that setup.sh turns into Weights.java. */
public class FraudScore extends ScalarFunction {
  public Double eval(Double count1Min, Double count5Min, Double amount1H, Double deviation7D, Double homeKm, Double speedKmh,
      Double amount, Double hour) {
    if (count1Min == null || count5Min == null || amount1H == null || deviation7D == null || homeKm == null
        || speedKmh == null || amount == null || hour == null) return null;
    double[] x = {count1Min, count5Min, amount1H, deviation7D, homeKm, speedKmh, amount, hour};
    double sum = Weights.BASE;
    for (int tree = 0; tree < Weights.TREES; tree++) {
      int at = 0;
      for (int level = 0; level < Weights.DEPTH; level++) {
        at = 2 * at + ((double) (float) x[Weights.FEATURE[tree][at]] <= Weights.THRESHOLD[tree][at] ? 1 : 2);
      }
      sum += Weights.LEAF[tree][at - ((1 << Weights.DEPTH) - 1)];
    }
    return 1 / (1 + Math.exp(-sum));
  }
}
