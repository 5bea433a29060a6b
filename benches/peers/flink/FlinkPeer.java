import java.io.BufferedReader;
import java.io.InputStreamReader;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.apache.flink.configuration.Configuration;
import org.apache.flink.core.execution.JobClient;
import org.apache.flink.table.api.EnvironmentSettings;
import org.apache.flink.table.api.TableDescriptor;
import org.apache.flink.table.api.TableEnvironment;
import org.apache.flink.types.Row;
import org.apache.flink.util.CloseableIterator;

/**
 * Runs queries on an in-process Flink.
 *
 * <p>{@code FlinkPeer serve TABLES.sql}: for each path of a query on standard input, runs it into a blackhole table and prints the seconds
 * that the job took by Flink's own account, without the start of the in-process cluster. All run in one JVM, so that only
 * the first runs are cold.
 *
 * <p>{@code FlinkPeer rows TABLES.sql FOLDER QUERY.sql…}: writes the rows of each query to FOLDER/QUERY.rows as {@code +I|a,b}.
 *
 * <p>System properties that begin with {@code conf.} are Flink's options.
 */
public class FlinkPeer {
  public static void main(String[] args) throws Exception {
    TableEnvironment env = environment();
    for (String statement : statements(Files.readString(Path.of(args[1])))) env.executeSql(statement);
    if (args[0].equals("rows")) {
      for (int i = 3; i < args.length; i++) {
        String name = Path.of(args[i]).getFileName().toString().replace(".sql", ".rows");
        write(env, query(args[i]), Path.of(args[2], name));
      }
    } else {
      BufferedReader asked = new BufferedReader(new InputStreamReader(System.in));
      for (String file = asked.readLine(); file != null; file = asked.readLine()) time(env, query(file));
    }
    System.exit(0);
  }

  private static String query(String file) throws Exception {
    return statements(Files.readString(Path.of(file))).get(0);
  }

  private static TableEnvironment environment() {
    Configuration config = new Configuration();
    config.setString("rest.bind-address", "127.0.0.1");
    config.setString("rest.port", "0");
    config.setString("rest.bind-port", "0");
    config.setString("table.local-time-zone", "UTC");
    System.getProperties().forEach((key, value) -> {
      if (key.toString().startsWith("conf.")) config.setString(key.toString().substring(5), value.toString());
    });
    TableEnvironment env =
        TableEnvironment.create(EnvironmentSettings.newInstance().inStreamingMode().withConfiguration(config).build());
    env.createTemporarySystemFunction("count_char", CountChar.class);
    env.createTemporarySystemFunction("haversine_km", HaversineKm.class);
    env.createTemporarySystemFunction("fraud_score", FraudScore.class);
    env.createTemporarySystemFunction("risk", Risk.class);
    env.createTemporarySystemFunction("quiet", Quiet.class);
    return env;
  }

  private static void time(TableEnvironment env, String query) {
    try {
      JobClient job =
          env.sqlQuery(query).executeInsert(TableDescriptor.forConnector("blackhole").build()).getJobClient().get();
      System.out.printf("%.3f%n", job.getJobExecutionResult().get().getNetRuntime() / 1e3);
    } catch (Exception e) {
      Throwable cause = e;
      while (cause.getCause() != null) cause = cause.getCause();
      System.out.println("failed: " + String.valueOf(cause.getMessage()).replace('\n', ' '));
    }
  }

  private static void write(TableEnvironment env, String query, Path file) throws Exception {
    StringBuilder text = new StringBuilder();
    try (PrintWriter out = new PrintWriter(file.toFile());
        CloseableIterator<Row> rows = env.sqlQuery(query).execute().collect()) {
      while (rows.hasNext()) {
        Row row = rows.next();
        text.setLength(0);
        text.append(row.getKind().shortString()).append('|');
        for (int i = 0; i < row.getArity(); i++) text.append(i == 0 ? "" : ",").append(row.getField(i));
        out.println(text);
      }
    }
  }

  /** Splits at `;` outside quotes; comments are dropped. */
  private static List<String> statements(String script) {
    List<String> all = new ArrayList<>();
    StringBuilder one = new StringBuilder();
    boolean quoted = false;
    for (String line : script.split("\n")) {
      int comment = line.indexOf("--");
      for (char c : (comment < 0 ? line : line.substring(0, comment)).toCharArray()) {
        if (c == '\'') quoted = !quoted;
        if (c == ';' && !quoted) {
          all.add(one.toString().trim());
          one.setLength(0);
        } else {
          one.append(c);
        }
      }
      one.append('\n');
    }
    all.add(one.toString().trim());
    all.removeIf(String::isEmpty);
    return all;
  }
}
