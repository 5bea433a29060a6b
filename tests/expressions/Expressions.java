import java.io.PrintStream;
import java.math.BigDecimal;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.time.Instant;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.Period;
import java.time.ZoneOffset;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.table.api.TableResult;
import org.apache.flink.table.types.logical.ArrayType;
import org.apache.flink.table.types.logical.LogicalType;
import org.apache.flink.table.types.logical.MapType;
import org.apache.flink.table.types.logical.MultisetType;
import org.apache.flink.table.types.logical.RowType;
import org.apache.flink.table.types.logical.TimestampType;
import org.apache.flink.table.types.logical.LocalZonedTimestampType;
import org.apache.flink.table.types.logical.TimeType;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Evaluates each line of the given files, an expression over the view of table.sql, on an in-process Flink and writes
 * expected/NAME.jsonl: the type, and the value of each row as text (one value where all rows agree), or the refusal.
 */
public class Expressions {
  public static void main(String[] args) throws Exception {
    Path folder = Path.of(args[0]);
    for (int i = 1; i < args.length; i++) run(folder, Path.of(args[i]));
    System.exit(0);
  }

  private static void run(Path folder, Path file) throws Exception {
    Configuration config = new Configuration();
    config.setString("parallelism.default", "1");
    config.setString("rest.bind-address", "127.0.0.1");
    config.setString("rest.port", "0");
    config.setString("rest.bind-port", "0");
    config.setString("table.local-time-zone", "UTC");
    TableEnvironment env =
        TableEnvironment.create(EnvironmentSettings.newInstance().withConfiguration(config).build());
    env.executeSql(Files.readString(folder.resolve("table.sql")).strip().replaceAll(";$", ""));
    List<String> expressions = new ArrayList<>();
    for (String line : Files.readAllLines(file)) {
      if (line.startsWith("-- zone: ")) env.getConfig().set("table.local-time-zone", line.substring(9).strip());
      if (!line.isBlank() && !line.startsWith("--")) expressions.add(line.strip());
    }
    String name = file.getFileName().toString().replace(".txt", ".jsonl");
    List<String> lines = new ArrayList<>();
    Path result = folder.resolve("expected").resolve(name);
    // What does not even plan is told apart first: that costs no job.
    List<String> planned = new ArrayList<>();
    for (String expression : expressions) {
      try {
        env.sqlQuery("SELECT id, " + expression + " AS v FROM t");
        planned.add(expression);
      } catch (Exception | AssertionError e) {
        lines.add(refusal(expression, e));
      }
    }
    for (int from = 0; from < planned.size(); from += 40) {
      several(env, planned.subList(from, Math.min(from + 40, planned.size())), lines);
      Files.write(result, lines, StandardCharsets.UTF_8);
      System.err.println(name + ": " + lines.size() + " of " + expressions.size());
    }
  }

  /** All in one job; where one of them fails, in two halves. */
  private static void several(TableEnvironment env, List<String> expressions, List<String> lines) {
    if (expressions.isEmpty()) return;
    StringBuilder sql = new StringBuilder("SELECT id");
    for (int i = 0; i < expressions.size(); i++) sql.append(", ").append(expressions.get(i)).append(" AS v").append(i);
    try {
      TableResult result = env.executeSql(sql + " FROM t");
      TreeMap<Integer, Row> rows = new TreeMap<>();
      try (CloseableIterator<Row> all = result.collect()) {
        while (all.hasNext()) {
          Row row = all.next();
          rows.put((Integer) row.getField(0), row);
        }
      }
      for (int i = 0; i < expressions.size(); i++) {
        LogicalType type = result.getResolvedSchema().getColumnDataTypes().get(i + 1).getLogicalType();
        List<String> values = new ArrayList<>();
        for (Row row : rows.values()) {
          Object value = row.getField(i + 1);
          values.add(value == null ? "null" : quoted(text(value, type)));
        }
        boolean same = values.stream().distinct().count() == 1;
        lines.add("{\"expr\":" + quoted(expressions.get(i)) + ",\"type\":" + quoted(type.asSummaryString())
            + (same ? ",\"value\":" + values.get(0) : ",\"values\":[" + String.join(",", values) + "]") + "}");
      }
    } catch (Exception | AssertionError e) {
      if (expressions.size() > 1) {
        int half = expressions.size() / 2;
        several(env, expressions.subList(0, half), lines);
        several(env, expressions.subList(half, expressions.size()), lines);
        return;
      }
      lines.add(refusal(expressions.get(0), e));
    }
  }

  private static String refusal(String expression, Throwable e) {
    Throwable cause = e;
    while (cause.getCause() != null) cause = cause.getCause();
    String message = String.valueOf(cause.getMessage()).split("\n")[0];
    message = message.length() > 160 ? message.substring(0, 160) : message;
    String error = quoted(cause.getClass().getSimpleName() + ": " + message);
    return "{\"expr\":" + quoted(expression) + ",\"error\":" + error + "}";
  }

  private static String text(Object value, LogicalType type) {
    if (value == null) return "NULL";
    if (value instanceof Boolean) return value.toString().toUpperCase();
    if (value instanceof BigDecimal) return ((BigDecimal) value).toPlainString();
    if (value instanceof byte[]) {
      StringBuilder hex = new StringBuilder("x'");
      for (byte b : (byte[]) value) hex.append(String.format("%02x", b));
      return hex.append("'").toString();
    }
    // Java writes years of five digits with a plus.
    if (value instanceof LocalDate) return value.toString().replace("+", "");
    if (value instanceof LocalTime) return clock((LocalTime) value, ((TimeType) type).getPrecision());
    if (value instanceof LocalDateTime) return moment((LocalDateTime) value, ((TimestampType) type).getPrecision());
    if (value instanceof Instant) {
      LocalDateTime utc = LocalDateTime.ofInstant((Instant) value, ZoneOffset.UTC);
      return moment(utc, ((LocalZonedTimestampType) type).getPrecision()) + "Z";
    }
    if (value instanceof Period) {
      long months = ((Period) value).toTotalMonths();
      long size = Math.abs(months);
      return String.format("%s%d-%02d", months < 0 ? "-" : "+", size / 12, size % 12);
    }
    if (value instanceof Duration) {
      long ms = ((Duration) value).toMillis();
      long size = Math.abs(ms);
      return String.format("%s%d %02d:%02d:%02d.%03d", ms < 0 ? "-" : "+", size / 86400000, size / 3600000 % 24,
          size / 60000 % 60, size / 1000 % 60, size % 1000);
    }
    if (value instanceof Object[]) {
      LogicalType item = ((ArrayType) type).getElementType();
      List<String> items = new ArrayList<>();
      for (Object each : (Object[]) value) items.add(text(each, item));
      return "[" + String.join(", ", items) + "]";
    }
    if (value instanceof Map) {
      LogicalType key = type instanceof MapType ? ((MapType) type).getKeyType() : ((MultisetType) type).getElementType();
      LogicalType of = type instanceof MapType ? ((MapType) type).getValueType() : null;
      List<String> entries = new ArrayList<>();
      for (Map.Entry<?, ?> entry : ((Map<?, ?>) value).entrySet()) {
        entries.add(text(entry.getKey(), key) + "=" + text(entry.getValue(), of));
      }
      entries.sort(null);
      return "{" + String.join(", ", entries) + "}";
    }
    if (value instanceof Row) {
      List<String> fields = new ArrayList<>();
      for (int i = 0; i < ((Row) value).getArity(); i++) {
        fields.add(text(((Row) value).getField(i), ((RowType) type).getTypeAt(i)));
      }
      return "(" + String.join(", ", fields) + ")";
    }
    return value.toString();
  }

  private static String clock(LocalTime time, int precision) {
    String nanos = String.format("%09d", time.getNano());
    String text = time.format(DateTimeFormatter.ofPattern("HH:mm:ss"));
    return precision == 0 ? text : text + "." + nanos.substring(0, Math.min(precision, 3));
  }

  private static String moment(LocalDateTime time, int precision) {
    String nanos = String.format("%09d", time.getNano());
    String text = time.format(DateTimeFormatter.ofPattern("uuuu-MM-dd HH:mm:ss"));
    return precision == 0 ? text : text + "." + nanos.substring(0, precision);
  }

  private static String quoted(String text) {
    StringBuilder out = new StringBuilder("\"");
    for (char c : text.toCharArray()) {
      if (c == '"' || c == '\\') out.append('\\').append(c);
      else if (c < 0x20) out.append(String.format("\\u%04x", (int) c));
      else out.append(c);
    }
    return out.append('"').toString();
  }
}
