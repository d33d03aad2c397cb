"""Tuning: search for the best classifier by stratified k-fold cross-validation."""

import multiprocessing
import signal
import threading
import time
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import resource_tracker
from typing import Any

from libelle.errors import MissingPackageError, TrainingError
from libelle.training.configuration import TrainingConfiguration
from libelle.training.folds import (
    FoldResult,
    Study,
    forget_studies,
    prepare,
    run_fold,
    watch_parent,
)
from libelle.training.runlog import NullProgress, NullRunLog, Progress, RunLog
from libelle.training.selection import Trial, best_trial, choose, contenders
from libelle.training.space import first_points, suggest

BATCH_TRIALS = 4
PRUNED_PERCENTILE = 40.0


def search(
    study: Study,
    configuration: TrainingConfiguration,
    *,
    n_workers: int,
    run_log: RunLog | None = None,
    progress: Progress | None = None,
) -> Trial:
    """Return the winner: see `selection.choose`.

    Trials are asked for and told in batches of a fixed size, in order, and a trial is given up by
    comparison with earlier batches only. So any number of workers, interrupted or not, makes the
    same trials and finds the same winner, unless `minutes` stops it.

    Parameters
    ----------
    study : Study
        Texts, codes and folds; finished folds are found again there.
    configuration : TrainingConfiguration
    n_workers : int
        Processes; 1 computes in this one.

    Raises
    ------
    TrainingError
        If no trial went through all its folds.
    """
    run_log, progress = run_log or NullRunLog(), progress or NullProgress()
    progress.trials_planned(configuration.n_trials, study.n_folds)
    asked = _ask(configuration)
    deadline = time.monotonic() + 60 * (configuration.minutes or float("inf"))
    told: list[Trial] = []
    complaint = "none"
    with _workers(n_workers) as executor:
        batch = next(asked)
        while batch:
            _run_batch(batch, study, configuration, executor, progress)
            for trial in batch:
                told.append(trial)
                complaint = trial.results[-1].error or complaint
                _tell_listeners(trial, best_trial(told, configuration.metric), run_log, progress)
            _forget_scores(told, study, configuration.metric)
            if time.monotonic() >= deadline:
                progress.note(
                    f"Stopped by --minutes after {len(told)} of {configuration.n_trials} trials: "
                    "on another day or machine, another classifier may win."
                )
                break
            batch = next(asked, [])
        winner = choose(told, configuration.metric)
        if winner is not None:
            missing = study.missing_scores(winner.specification)
            jobs = [(study.folder, winner.specification, fold) for fold in missing]
            wait_all(executor.submit(run_fold, *job) for job in jobs)
    if winner is None:
        raise TrainingError(
            f"No trial could be fitted on all folds. The last complaint: {complaint}"
        )
    return winner


def _tell_listeners(trial: Trial, best: Trial | None, run_log: RunLog, progress: Progress) -> None:
    description = trial.describe()
    run_log.log_trial(description)
    metric = trial.specification.metric
    progress.trial_done(description, best=best.mean(metric) if best else None)


def _forget_scores(trials: list[Trial], study: Study, metric: str) -> None:
    """Remove the scores of the trials that cannot win; those of a winner are made again."""
    kept = [trial.specification for trial in contenders(trials, metric)]
    for trial in trials:
        if trial.specification not in kept:
            study.drop_scores(trial.specification)


def _ask(configuration: TrainingConfiguration) -> Iterator[list[Trial]]:
    """Give batches of trials; a batch is told when the next one is asked for."""
    optuna = _import_optuna()
    direction = "minimize" if configuration.metric == "log_loss" else "maximize"
    optimizer = optuna.create_study(
        direction=direction,
        pruner=optuna.pruners.PercentilePruner(PRUNED_PERCENTILE, n_startup_trials=BATCH_TRIALS),
    )
    for point in first_points(configuration.families)[: configuration.n_trials]:
        optimizer.enqueue_trial(point)
    for start in range(0, configuration.n_trials, BATCH_TRIALS):
        numbers = range(start, min(start + BATCH_TRIALS, configuration.n_trials))
        batch = [_ask_trial(optimizer, number, configuration) for number in numbers]
        yield batch
        for trial in batch:
            _tell(optimizer, trial, configuration.metric)


def _ask_trial(optimizer: Any, number: int, configuration: TrainingConfiguration) -> Trial:
    optuna = _import_optuna()
    # A sampler of its own for each trial: what was computed before an interruption changes nothing.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        optimizer.sampler = optuna.samplers.TPESampler(
            multivariate=True,
            group=True,
            n_startup_trials=2 * BATCH_TRIALS,
            seed=configuration.seed * 100_003 + number,
        )
    suggested = optimizer.ask()
    specification = suggest(
        suggested,
        families=configuration.families,
        language=configuration.language,
        metric=configuration.metric,
        seed=configuration.seed,
    )
    return Trial(number, suggested, specification)


def _tell(optimizer: Any, trial: Trial, metric: str) -> None:
    states = _import_optuna().trial.TrialState
    if trial.state == "complete":
        optimizer.tell(trial.suggested, trial.mean(metric))
    else:
        state = states.PRUNED if trial.state == "pruned" else states.FAIL
        optimizer.tell(trial.suggested, state=state)


def _run_batch(
    batch: list[Trial],
    study: Study,
    configuration: TrainingConfiguration,
    executor: Executor,
    progress: Progress,
) -> None:
    """Take every trial of a batch through its folds, each at its own pace."""
    distinct = {trial.specification.normalizer for trial in batch}
    wait_all(
        executor.submit(prepare, study.folder, options) for options in sorted(distinct, key=str)
    )
    pending: dict[Future[FoldResult], Trial] = {}
    for trial in batch:
        pending[_submit(executor, study, trial)] = trial
    while pending:
        done, _ = wait(pending, return_when=FIRST_COMPLETED)
        for future in done:
            trial = pending.pop(future)
            trial.results.append(_result(future))
            trial.state = _judge(trial, configuration.metric, study.n_folds)
            if trial.state == "running":
                progress.fold_done(1)
                pending[_submit(executor, study, trial)] = trial
            else:
                progress.fold_done(1 + study.n_folds - len(trial.results))


def _submit(executor: Executor, study: Study, trial: Trial) -> Future[FoldResult]:
    fold = len(trial.results)
    if (known := study.find_result(trial.specification, fold)) is not None:
        future: Future[FoldResult] = Future()
        future.set_result(known)
        return future
    return executor.submit(run_fold, study.folder, trial.specification, fold)


def _judge(trial: Trial, metric: str, n_folds: int) -> str:
    """Return the state of a trial after one more fold."""
    if trial.results[-1].error:
        return "failed"
    trial.suggested.report(trial.mean(metric), step=len(trial.results))
    if len(trial.results) == n_folds:
        return "complete"
    return "pruned" if trial.suggested.should_prune() else "running"


def _result(future: Future[FoldResult]) -> FoldResult:
    try:
        return future.result()
    except BrokenProcessPool as error:
        raise TrainingError(
            "A worker process was killed, probably for want of memory. What is finished is kept: "
            "run the same command again, with fewer workers (--workers 1)."
        ) from error


def wait_all(futures: Iterator[Future[Any]] | Any) -> None:
    """Wait for all, and raise the first error."""
    for future in list(futures):
        _result(future)


class _InThisProcess(Executor):
    """An executor that computes at once, so that one worker needs no other process."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(function(*args, **kwargs))
        return future


class _Processes(ProcessPoolExecutor):
    """Processes that Ctrl-C never reaches, not even while they start: it is the parent's."""

    def submit(self, function: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        with _interruption_put_off():  # A process may be started here, and inherits the mask.
            return super().submit(function, *args, **kwargs)


@contextmanager
def _interruption_put_off() -> Iterator[None]:
    """Let Ctrl-C wait for the end of the `with`; a process started inside does not get it."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    resource_tracker.ensure_running()  # Started inside, it would change the mask.
    received: list[int] = []
    usual = signal.signal(signal.SIGINT, lambda number, _: received.append(number))
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
        signal.signal(signal.SIGINT, usual)
    if received:
        signal.raise_signal(signal.SIGINT)


@contextmanager
def _workers(n_workers: int) -> Iterator[Executor]:
    """Give processes that end with this one, whether it finishes, fails, or is interrupted."""
    forget_studies()
    if n_workers == 1:
        yield _InThisProcess()
        return
    context = multiprocessing.get_context("spawn")
    executor = _Processes(n_workers, mp_context=context, initializer=_start_worker)
    try:
        yield executor
    except BaseException:
        processes = list((getattr(executor, "_processes", None) or {}).values())
        executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.kill()
        raise
    executor.shutdown()


def _start_worker() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to answer.
    watch_parent()


def _import_optuna() -> Any:
    try:
        import optuna
    except ImportError as error:
        raise MissingPackageError("optuna", extra="train", purpose="Tuning") from error
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    return optuna
