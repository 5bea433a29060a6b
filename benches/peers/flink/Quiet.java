import java.time.Duration;
import java.time.Instant;
import org.apache.flink.table.annotation.ArgumentHint;
import org.apache.flink.table.annotation.ArgumentTrait;
import org.apache.flink.table.annotation.DataTypeHint;
import org.apache.flink.table.annotation.FunctionHint;
import org.apache.flink.table.annotation.StateHint;
import org.apache.flink.table.functions.ProcessTableFunction;
import org.apache.flink.types.Row;

/** Ten minutes after the last payment of a card: how many there were since the card was quiet last, and their sum. */
@FunctionHint(output = @DataTypeHint("ROW<payments BIGINT, total DOUBLE>"))
public class Quiet extends ProcessTableFunction<Row> {
  public static class Sum {
    public Long payments = 0L;
    public Double total = 0.0;
  }

  public void eval(
      Context context,
      @StateHint Sum sum,
      @ArgumentHint({ArgumentTrait.SET_SEMANTIC_TABLE, ArgumentTrait.REQUIRE_ON_TIME}) Row input) {
    Double amount = input.getFieldAs("amount");
    sum.payments++;
    if (amount != null) sum.total += amount;
    TimeContext<Instant> time = context.timeContext(Instant.class);
    time.registerOnTime("quiet", time.time().plus(Duration.ofMinutes(10)));
  }

  public void onTimer(OnTimerContext context, Sum sum) {
    collect(Row.of(sum.payments, sum.total));
    context.clearState("sum");
  }
}
