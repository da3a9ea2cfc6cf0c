import atexit
import logging
import time

from snakemake.logging import logger
from snakemake_interface_logger_plugins.common import LogEvent


class Brief(logging.Filter):
    """On the terminal a line for each job that ended, and last what stopped a run.

    Snakemake's own log, whose path it prints, holds the rest.
    """

    def __init__(self):
        super().__init__()
        self.began, self.messages, self.finished = time.monotonic(), {}, []

    def filter(self, record):
        match getattr(record, "event", None):
            case LogEvent.RUN_INFO if hasattr(record, "stats"):
                say(f"{record.stats['total']} jobs to do.")
            case LogEvent.JOB_INFO:
                self.messages[record.jobid] = record.rule_msg or record.rule_name
            case LogEvent.JOB_FINISHED:
                self.finished.append(self.messages.get(record.job_id, str(record.msg)))
            case LogEvent.PROGRESS:
                self.tell(record.done, record.total)
            case LogEvent.JOB_ERROR:
                atexit.register(say, why(record.rule_name, record.log))
            case LogEvent.WORKFLOW_STARTED | LogEvent.RESOURCES_INFO | LogEvent.RUN_INFO:
                pass
            case _:
                return not str(record.msg).startswith(("Select jobs to", "Execute "))
        return False

    def tell(self, done, total):
        seconds = (time.monotonic() - self.began) / done * (total - done)
        left = f", about {seconds / 60:.0f} min left" if seconds >= 90 else ""
        for message in self.finished:
            say(f"{done} of {total} ({done / total:.0%}{left}): {message}")
        self.finished.clear()


def why(rule, logs):
    """The sentence that a job left at the end of its log, if it came to that."""
    path = Path(logs[0])
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    told = [line for line in lines[-1:] if line.startswith(f"{rule}: ")]
    return f"{told[0] if told else f'{rule}: ended without a word.'} (log: {path})"


def say(line):
    print(line, file=sys.stderr, flush=True)


def show_findings(dag):
    """Print where the report is and the main findings, if the report belongs to this run."""
    if any(job.rule.name == "write_report" for job in dag.jobs):
        folder = Path("results") / config["experiment"]
        findings = folder / "findings.txt"
        if findings.exists():  # it may be in a bucket
            print(f"\n{findings.read_text()}Report: {folder / 'report.html'}")


asked = workflow.output_settings
if not (asked.dryrun or asked.verbose or asked.quiet or workflow.modifier.namespace):
    for handler in logger.handlers:
        # the files of the log are handlers too
        if type(handler).__name__ == "ColorizingTextHandler":
            handler.addFilter(Brief())
