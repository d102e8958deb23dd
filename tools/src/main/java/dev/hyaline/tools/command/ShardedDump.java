package dev.hyaline.tools.command;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpCost;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.DryRunOptions;
import dev.hyaline.tools.option.DumpOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.OutputFormat;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.report.CorpusReport;
import dev.hyaline.tools.report.CostReport;
import dev.hyaline.tools.report.DumpReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.CorpusProgress;
import dev.hyaline.tools.terminal.StopNotice;
import dev.hyaline.weights.Checkpoint;
import java.nio.file.Path;
import java.time.Duration;
import org.jspecify.annotations.Nullable;

/** A dump of a corpus into shards by one process, and the folder for the datasets library that is made from one. */
final class ShardedDump {
    private static final Duration MEASURED = Duration.ofSeconds(10);

    private final Console console;
    private final DumpOptions options;
    private final DryRunOptions dryRun;
    private final CommonOptions common;

    ShardedDump(Console console, DumpOptions options, DryRunOptions dryRun, CommonOptions common) {
        this.console = console;
        this.options = options;
        this.dryRun = dryRun;
        this.common = common;
    }

    /** Writes what is asked for or, in a dry run, shows how large it is and what it costs. */
    void write(Checkpoint checkpoint, ModelVocabulary vocabulary, Corpus corpus) {
        CorpusDump dump = options.corpusDump(checkpoint, vocabulary, console);
        Path folder = options.folder();
        CorpusDump.Forecast forecast;
        try (ConsoleProgress progress = new ConsoleProgress(console, "read", "tokens", ConsoleProgress.UNKNOWN)) {
            forecast = dump.forecast(corpus, progress::advance);
        }
        CorpusReport report = new CorpusReport(console, checkpoint.name(), dump, forecast);
        if (dryRun.isGiven()) {
            report.forecast(folder, cost(checkpoint, dump, corpus, forecast.tokens(), forecast.bytes()), common.json);
            return;
        }
        if (options.format != OutputFormat.DATASETS) {
            write(checkpoint, vocabulary, corpus, forecast, dump, folder, options.shards.ifExists(), report);
            return;
        }
        DatasetsOutput datasets = new DatasetsOutput(console, dump, folder, common.json);
        // What is there is of a run of this command that was killed: nobody else writes there.
        IfExists ifExists = options.shards.ifExists() == IfExists.RESUME ? IfExists.RESUME : IfExists.REPLACE;
        write(checkpoint, vocabulary, corpus, forecast, dump, datasets.shards(), ifExists, null);
        datasets.write(common.record(null, checkpoint));
    }

    /**
     * Runs a corpus and writes its shards.
     *
     * @param report shows what was written; null for nothing
     */
    private void write(
            Checkpoint checkpoint,
            ModelVocabulary vocabulary,
            Corpus corpus,
            CorpusDump.Forecast forecast,
            CorpusDump dump,
            Path folder,
            IfExists ifExists,
            @Nullable CorpusReport report) {
        try (DumpFolder opened = DumpFolder.open(folder, ifExists);
                StopNotice notice = new StopNotice(console, "the same command with --resume goes on");
                Gpt2 engine = options.engine.open(options.weights.weights(checkpoint), console)) {
            Provenance provenance = options.provenance(
                    Version.text(),
                    checkpoint,
                    ModelOptions.files(checkpoint),
                    vocabulary,
                    options.canonicalInShards());
            long begin = System.nanoTime();
            CorpusDump.CorpusSummary written;
            long tokens;
            try (ConsoleProgress progress = new ConsoleProgress(console, "dump", "tokens", forecast.tokens())) {
                CorpusProgress counted = new CorpusProgress(progress);
                written = dump.write(engine, corpus, forecast, opened, provenance, counted);
                tokens = counted.tokens();
            }
            notice.cancel();
            Duration elapsed = Duration.ofNanos(System.nanoTime() - begin);
            if (report != null) {
                report.written(engine, written, tokens, elapsed, common.json);
            }
            DumpReport.warnOfOverflow(console, written.overflowed(), dump.type());
        }
    }

    /** Measures what a dump costs. */
    CostReport cost(Checkpoint checkpoint, CorpusDump dump, Corpus corpus, long tokens, long bytes) {
        try (Gpt2 engine = options.engine.open(options.weights.weights(checkpoint), console)) {
            DumpCost cost = DumpCost.measure(dump, engine, corpus, MEASURED);
            return new CostReport(
                    cost, tokens, bytes + cost.latentBytes(dump, tokens), dryRun.corePrice(), dryRun.diskPrice());
        }
    }
}
