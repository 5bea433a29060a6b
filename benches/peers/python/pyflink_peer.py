#!/usr/bin/env python3
"""pyflink_peer.py process|thread TABLES.sql: runs each query whose path comes on standard input (SQL, or a module in Python with a
function `table` that makes it) on PyFlink into a blackhole table and prints the seconds that the job took by Flink's own account. The functions are those of udfs.py, called as the mode says; in
process mode the model is scored over columns (a pandas function), which is PyFlink's fastest way."""
import os
import re
import runpy
import sys

import udfs
from pyflink.common import Configuration
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import DataTypes, StreamTableEnvironment, TableDescriptor
from pyflink.table.udf import udf


def environment(mode):
    config = Configuration()
    options = {
        "python.execution-mode": mode,
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
        "parallelism.default": "1",
        "table.local-time-zone": "UTC",
        # More than there are keys: else the state of each row's key is asked for anew.
        "python.state.cache-size": "20000",
    }
    options |= dict(re.findall(r"-Dconf\.(\S+?)=(\S+)", os.environ.get("FLINK_OPTIONS", "")))
    for key, value in options.items():
        config.set_string(key, value)
    return StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment(config))


def statements(path):
    text = re.sub(r"--[^\n]*", "", open(path).read())
    return [s.strip() for s in text.split(";") if s.strip()]


def main():
    mode, tables = sys.argv[1:]
    env = environment(mode)
    env.create_temporary_system_function("count_char", udf(udfs.count_char, result_type=DataTypes.BIGINT()))
    env.create_temporary_system_function("risk", udf(udfs.risk, result_type=DataTypes.DOUBLE()))
    env.create_temporary_system_function("haversine_km", udf(udfs.haversine_km, result_type=DataTypes.DOUBLE()))
    if mode == "process":
        def score(*features):
            import pandas
            return pandas.Series(udfs.fraud_score_columns(*features))
        scored = udf(score, result_type=DataTypes.DOUBLE(), func_type="pandas")
    else:
        scored = udf(udfs.fraud_score, result_type=DataTypes.DOUBLE())
    env.create_temporary_system_function("fraud_score", scored)
    for statement in statements(tables):
        env.execute_sql(statement)
    for line in sys.stdin:
        try:
            path = line.strip()
            table = runpy.run_path(path)["table"](env) if path.endswith(".py") else env.sql_query(statements(path)[0])
            job = table.execute_insert(TableDescriptor.for_connector("blackhole").build()).get_job_client()
            print(f"{job.get_job_execution_result().result().get_net_runtime() / 1e3:.3f}", flush=True)
        except Exception as error:
            print("failed:", " ".join(str(error).split())[-300:], flush=True)


main()
