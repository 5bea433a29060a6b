import org.apache.flink.table.functions.ScalarFunction;

/** How often a letter stands in a text. */
public class CountChar extends ScalarFunction {
  public Long eval(String text, String letter) {
    if (text == null || letter == null) return null;
    long count = 0;
    char wanted = letter.charAt(0);
    for (int i = 0; i < text.length(); i++) if (text.charAt(i) == wanted) count++;
    return count;
  }
}
