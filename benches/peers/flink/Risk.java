import org.apache.flink.table.functions.ScalarFunction;

/** The arithmetic function of the function benchmark. */
public class Risk extends ScalarFunction {
  public Double eval(Double a, Double b) {
    if (a == null || b == null) return null;
    return 0.7 * a + b / (1 + Math.abs(a)) + 0.25 * Math.max(b, 0);
  }
}
