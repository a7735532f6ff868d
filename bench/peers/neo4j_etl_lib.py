"""Loads a CSV file with neo4j-etl-lib's ParallelCSVLoad2Neo4jTask and prints one line of JSON.

Arguments: a JSON object with file, query, start, end, monopartite, tableSize, batchSize, workers.
"""

import json
import logging
import os
import resource
import sys
import time
from pathlib import Path

from etl_lib.core.ETLContext import ETLContext
from etl_lib.core.SplittingBatchProcessor import canonical_int_or_str_id_extractor
from etl_lib.task.data_loading.ParallelCSVLoad2Neo4jTask import ParallelCSVLoad2Neo4jTask

job = json.loads(sys.argv[1])
retries = 0


class CountRetries(logging.Handler):
    """The driver says nothing of its retries but in its log."""

    def emit(self, record):
        global retries
        if "failed and will be retried" in record.getMessage():
            retries += 1


logging.getLogger("neo4j").addHandler(CountRetries())


class Load(ParallelCSVLoad2Neo4jTask):
    def _query(self):
        return job["query"]

    def _id_extractor(self):
        return canonical_int_or_str_id_extractor(
            table_size=job["tableSize"],
            start_key=job["start"],
            end_key=job["end"],
            monopartite=job["monopartite"],
        )


context = ETLContext(dict(os.environ))
task = Load(
    context,
    file=Path(job["file"]),
    table_size=job["tableSize"],
    batch_size=job["batchSize"],
    max_workers=job["workers"],
)
started = time.perf_counter()
result = task.execute()
seconds = time.perf_counter() - started
usage = resource.getrusage(resource.RUSAGE_SELF)
print(
    json.dumps(
        {
            "success": result.success,
            "error": result.error,
            "seconds": seconds,
            "retries": retries,
            "statistics": result.summary,
            "cpuSeconds": usage.ru_utime + usage.ru_stime,
            "peakMb": usage.ru_maxrss * 1024 / 1e6,
        },
        default=str,
    )
)
