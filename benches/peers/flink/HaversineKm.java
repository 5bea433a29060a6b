import org.apache.flink.table.functions.ScalarFunction;

/** Great-circle distance of two positions in degrees. */
public class HaversineKm extends ScalarFunction {
  public Double eval(Double lat1, Double lon1, Double lat2, Double lon2) {
    if (lat1 == null || lon1 == null || lat2 == null || lon2 == null) return null;
    double dlat = Math.sin(Math.toRadians(lat2 - lat1) / 2);
    double dlon = Math.sin(Math.toRadians(lon2 - lon1) / 2);
    double a = dlat * dlat + Math.cos(Math.toRadians(lat1)) * Math.cos(Math.toRadians(lat2)) * dlon * dlon;
    return 2 * 6371.0088 * Math.asin(Math.min(1, Math.sqrt(a)));
  }
}
