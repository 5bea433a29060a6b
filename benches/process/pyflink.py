"""The function `quiet` as PyFlink has it: a KeyedProcessFunction with state and an event-time timer."""
from pyflink.common import Row, Types
from pyflink.datastream import KeyedProcessFunction
from pyflink.datastream.state import ValueStateDescriptor

QUIET_MS = 10 * 60 * 1000


class Quiet(KeyedProcessFunction):
    def open(self, context):
        state = lambda name, kind: context.get_state(ValueStateDescriptor(name, kind))
        self.payments, self.total = state("payments", Types.LONG()), state("total", Types.DOUBLE())
        self.timer = state("timer", Types.LONG())

    def process_element(self, value, context):
        self.payments.update((self.payments.value() or 0) + 1)
        self.total.update((self.total.value() or 0.0) + (value[2] or 0.0))
        if timer := self.timer.value():
            context.timer_service().delete_event_time_timer(timer)
        self.timer.update(context.timestamp() + QUIET_MS)
        context.timer_service().register_event_time_timer(context.timestamp() + QUIET_MS)

    def on_timer(self, timestamp, context):
        yield Row(context.get_current_key(), self.payments.value(), self.total.value())
        for state in (self.payments, self.total, self.timer):
            state.clear()


def table(env):
    """The rows of the function over the view `cards`."""
    kinds = Types.ROW_NAMED(["cc_num", "payments", "total"], [Types.STRING(), Types.LONG(), Types.DOUBLE()])
    cards = env.to_data_stream(env.from_path("cards"))
    return env.from_data_stream(cards.key_by(lambda row: row[0], key_type=Types.STRING()).process(Quiet(), kinds))
