package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusFiles;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.DryRunOptions;
import dev.hyaline.tools.option.DumpOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.PartOptions;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.report.DumpReport;
import dev.hyaline.tools.report.PlanReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.CorpusProgress;
import dev.hyaline.tools.terminal.StopNotice;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;

/** The steps of a dump that many processes or machines write. */
final class DumpParts {
    private final Console console;
    private final DumpOptions options;
    private final PartOptions parts;
    private final CommonOptions common;

    DumpParts(Console console, DumpOptions options, PartOptions parts, CommonOptions common) {
        this.console = console;
        this.options = options;
        this.parts = parts;
        this.common = common;
    }

    /** Plans a dump and writes the plan or, in a dry run, shows what the dump costs. */
    void plan(Checkpoint checkpoint, ModelVocabulary vocabulary, DryRunOptions dryRun) {
        Path folder = options.folder();
        CorpusDump dump = options.corpusDump(checkpoint, vocabulary, console);
        Provenance provenance = options.provenance(
                Version.text(), checkpoint, ModelOptions.files(checkpoint), vocabulary, options.canonicalInShards());
        CorpusFiles corpus = options.prompts.corpus(checkpoint.config(), vocabulary);
        DumpPlan plan;
        try (ConsoleProgress progress = new ConsoleProgress(console, "plan", "tokens", ConsoleProgress.UNKNOWN)) {
            plan = DumpPlan.of(
                    dump,
                    corpus,
                    options.weights.weights(checkpoint).processing(),
                    provenance,
                    options.engine.threads(),
                    progress::advance);
        }
        PlanReport report = new PlanReport(console, plan, folder, common.json);
        if (dryRun.isGiven()) {
            report.planned(new ShardedDump(console, options, dryRun, common)
                    .cost(checkpoint, dump, corpus, plan.tokens(), plan.bytes()));
            return;
        }
        try (DumpFolder opened = DumpFolder.open(folder, options.shards.ifExists())) {
            plan.write(opened);
        }
        report.planned(null);
    }

    /** Writes a part of a planned dump. */
    void part() {
        Path folder = options.folder();
        DumpPlan plan = DumpPlan.read(folder);
        DumpCommand planned =
                DumpCommand.planned(plan, folder.resolve(DumpPlan.FILE).toString(), console);
        DumpPlan.Range range = parts.part(plan);
        try (PlannedDump dump = planned.open(plan, options.shards.batchTokens());
                StopNotice notice = new StopNotice(
                        console, "the same command goes on; --finish removes the hidden file of what was begun");
                Gpt2 engine = options.engine.open(dump.weights(), console);
                ConsoleProgress progress = new ConsoleProgress(console, "part", "tokens", ConsoleProgress.UNKNOWN)) {
            long begin = System.nanoTime();
            CorpusProgress counted = new CorpusProgress(progress);
            DumpPlan.PartSummary written =
                    plan.write(dump.dump(), engine, dump.parser(), dump.provenance(), folder, range, counted);
            notice.cancel();
            new PlanReport(console, plan, folder, common.json)
                    .part(written, counted.tokens(), Duration.ofNanos(System.nanoTime() - begin));
            DumpReport.warnOfOverflow(console, written.overflowed(), dump.dump().type());
        }
    }

    /** Checks that all parts are there, and writes the manifest. */
    void finish() {
        Path folder = options.folder();
        DumpPlan plan = DumpPlan.read(folder);
        new PlanReport(console, plan, folder, common.json).finished(plan.finish(folder, parts.verifies()));
    }
}
