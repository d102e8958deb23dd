package dev.hyaline.tools.command;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.explorer.Page;
import dev.hyaline.explorer.data.ViewHeading;
import dev.hyaline.explorer.view.CorpusRecorder;
import dev.hyaline.explorer.view.CorpusView;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.CaptureListener;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.Dump;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.DryRunOptions;
import dev.hyaline.tools.option.DumpOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.OutputFormat;
import dev.hyaline.tools.option.PageOption;
import dev.hyaline.tools.option.PartOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.PromptInput;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.Version;
import dev.hyaline.tools.report.DumpReport;
import dev.hyaline.tools.report.DumpSummary;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.weights.Checkpoint;
import java.io.InputStream;
import java.nio.file.Path;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.ParameterException;

/** {@code hyaline dump}: running prompts and writing the activations at hook points. */
@Command(
        name = "dump",
        header = "Runs prompts and writes the chosen activations to a file.",
        description = {
            "",
            "Without options, dumps all hook points of the built-in model on a built-in prompt to the folder"
                    + " hyaline-dump: the tensors under their TransformerLens names, and manifest.json, which records"
                    + " everything needed to reproduce them."
                    + PromptOptions.WITHOUT_PROMPTS
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nTensors:%n",
        footer = {
            "  Prompts of one length: blocks.0.hook_resid_post is [prompts, positions, width], an attention map",
            "  is [prompts, heads, queries, keys], and tokens and positions are [prompts, positions].",
            "  Prompts of unequal lengths lie end to end: blocks.0.hook_resid_post is [rows, width], prompt s in",
            "  the rows from offsets[s] to offsets[s + 1]; each has its own attention maps, [heads, queries,",
            "  keys], named blocks.0.attn.hook_pattern.0, blocks.0.attn.hook_pattern.1 and so on.",
            "  Chosen heads and neurons are the only ones on their axes, in ascending order: --heads 1,5 makes z",
            "  [prompts, positions, 2, head width]. Prompts with unequal numbers of chosen tokens lie end to end.",
            "  Shards, activations-00000.safetensors and so on, hold one row per token of every chosen site,",
            "  [rows, width], and for each row its document (from 0), position and token. They take all sites",
            "  except attention maps; the default is resid_post. They appear one by one, each complete, and",
            "  manifest.json last. The corpus, however large, is never held in memory.",
            "",
            "Examples:",
            "  hyaline dump --prompt \"The capital of France is\" --sites resid_post,pattern --out france",
            "  hyaline dump --sites z,pattern --layers 2 --heads 1,5 --positions last --out two-heads",
            "  hyaline dump --prompts prompts.jsonl --sites resid_post --roles subject,end",
            "  hyaline dump --prompts prompts.txt --sites mlp.post --layers -1 --positions last --dtype f16",
            "  hyaline dump --prompts corpus.jsonl --sites resid_post --layers 2 --skip-bos --long split --resume",
            "  hyaline dump --sites 'blocks.*.attn.hook_*' --format npz --dry-run",
            "  hyaline dump --prompts corpus.jsonl --context 128 --pack --plan --out harvest",
            "  seq 0 15 | xargs -P 4 -I{} hyaline dump --out harvest --part {}/16",
            "  hyaline dump --out harvest --finish --verify",
            "  hyaline dump --prompts corpus.jsonl --context 128 --pack --sites resid_pre2 --format datasets --out"
                    + " acts",
            "  hyaline dump --zero z --edit-layers 2 --edit-heads 1,5 --sites resid_post,unembed.out",
            "  hyaline dump --gradients logit-diff --answer ' Mary' --distractor ' John' --sites resid_pre,z",
            "",
            "In Python:",
            "  from safetensors.numpy import load_file; load_file(\"hyaline-dump/activations.safetensors\")",
            "  import numpy; numpy.load(\"hyaline-dump/activations.npz\")",
            "",
            "Exit codes: 0 done; 1 failed (no file is left half written); 2 bad usage."
        })
public final class DumpCommand implements Runnable, CheckedOptions {
    private static final long MAX_TOKENS_IN_ONE_FILE = 65_536;

    private final Console console;

    @Mixin
    private DumpOptions options;

    @Mixin
    private PartOptions parts;

    @Mixin
    private DryRunOptions dryRun;

    @Mixin
    private PageOption page;

    @Mixin
    private CommonOptions common;

    public DumpCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        Path folder = options.folder();
        if (page.isAsked()
                && (parts.isPart()
                        || parts.isFinish()
                        || parts.isPlan()
                        || dryRun.isGiven()
                        || options.format == OutputFormat.DATASETS)) {
            throw new BadInputException(
                    "--html shows the dump that a command writes whole: it goes without --plan, --part, --finish,"
                            + " --dry-run and --format datasets");
        }
        if (parts.isPart() || parts.isFinish()) {
            return;
        }
        options.checkRequest(parts.isPlan());
        if (parts.isPlan()) {
            options.prompts.requireFilesOnly();
            options.engine.requireProcessors();
        }
        if (options.format == OutputFormat.DATASETS) {
            options.requireNewFolder();
            return;
        }
        PathOption.requireWritable("--out", folder);
        // A dry run reports an existing dump and goes on, but also refuses a folder that cannot be written.
        DumpFolder.requireFree(folder, dryRun.isGiven() ? DumpFolder.IfExists.REPLACE : options.ifExistsInOneFile());
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (options.capture.choosesAmongPrompts()) {
            options.capture.requireRoles(options.prompts.read());
        }
    }

    @Override
    public void run() {
        DumpParts steps = new DumpParts(console, options, parts, common);
        if (parts.isFinish()) {
            steps.finish();
            return;
        }
        if (parts.isPart()) {
            steps.part();
            return;
        }
        try (Checkpoint checkpoint = options.model.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Corpus corpus = () -> options.prompts
                    .source()
                    .prompts()
                    .map(input -> new Document(
                            input.source(), options.prompts.encode(input, checkpoint.config(), vocabulary)));
            if (parts.isPlan()) {
                steps.plan(checkpoint, vocabulary, dryRun);
            } else if (inShards(corpus)) {
                new ShardedDump(console, options, dryRun, common).write(checkpoint, vocabulary, corpus);
                if (page.isAsked()) {
                    try (ActivationStore store = ActivationStore.open(options.folder())) {
                        page.write(
                                console,
                                checkpoint,
                                () -> page(CorpusView.of(heading(checkpoint), store, vocabulary::shown)),
                                common.json);
                    }
                }
            } else {
                oneFile(checkpoint, vocabulary, options.folder());
            }
        }
    }

    private ViewHeading heading(Checkpoint checkpoint) {
        return page.heading("Dump of activations", checkpoint.name())
                .withBasis(
                        options.gradients.name().map(of -> "gradients of " + of).orElse(""));
    }

    private static Page page(CorpusView view) {
        ViewHeading heading = view.data().heading();
        return Page.of(heading.title() + ": " + heading.model(), view);
    }

    private boolean inShards(Corpus corpus) {
        if (options.shards.areRefused() || options.gradients.name().isPresent() || options.edits.isGiven()) {
            return false;
        }
        return options.shards.areRequired()
                || (options.format == OutputFormat.SAFETENSORS
                        && !options.capture.choosesAmongPrompts()
                        && needsShards(corpus));
    }

    /** Returns whether a corpus has too many tokens for one file, reading no further than necessary. */
    private static boolean needsShards(Corpus corpus) {
        try (Stream<Document> documents = corpus.documents()) {
            long tokens = 0;
            for (Iterator<Document> next = documents.iterator(); next.hasNext() && tokens <= MAX_TOKENS_IN_ONE_FILE; ) {
                tokens += next.next().tokens().length;
            }
            return tokens > MAX_TOKENS_IN_ONE_FILE;
        }
    }

    private void oneFile(Checkpoint checkpoint, ModelVocabulary vocabulary, Path folder) {
        Gpt2Config config = checkpoint.config();
        List<DerivedSite> inner = options.inner(checkpoint, console);
        Capture capture = options.capture.capture(options.points(config, inner, DumpOptions.SITES));
        Dump values = Dump.of(config, prompts(config, vocabulary), capture, options.type, options.format.ofOneFile())
                .withDerived(inner);
        Dump dump = options.gradients.name().map(values::ofGradients).orElse(values);
        PromptPairs pairs = options.gradients
                .name()
                .map(name -> options.gradients.pairs(config, vocabulary, dump.prompts(), !options.prompts.isGiven()))
                .orElse(null);
        DumpReport report = new DumpReport(console, checkpoint.name(), vocabulary, dump);
        if (dryRun.isGiven()) {
            report.forecast(
                    folder.resolve(options.format.ofOneFile().fileName()),
                    pairs == null ? null : Gradients.passBytes(config, dump.prompts()),
                    common.json);
            return;
        }
        // The folder is opened before the run, which would otherwise be lost if it cannot be written.
        try (DumpFolder opened = DumpFolder.open(folder, options.ifExistsInOneFile())) {
            run(checkpoint, vocabulary, dump, pairs, opened, report);
        }
    }

    private Prompts prompts(Gpt2Config config, ModelVocabulary vocabulary) {
        List<PromptInput> inputs = options.prompts.read();
        Prompts prompts = options.shards.truncatesOneFile()
                ? options.prompts.encodeTruncated(inputs, config, vocabulary)
                : options.prompts.encode(inputs, config, vocabulary);
        return options.capture.withRoles(prompts, inputs);
    }

    /**
     * What a plan's command asks for.
     *
     * @param label name of the plan, for messages
     */
    static DumpCommand planned(DumpPlan plan, String label, Console console) {
        DumpCommand planned = new DumpCommand(console);
        List<String> command = plan.command();
        try {
            new CommandLine(planned)
                    .setExpandAtFiles(false)
                    .parseArgs(command.subList(Math.min(2, command.size()), command.size())
                            .toArray(String[]::new));
            planned.options.checkRequest(false);
            planned.options.shards.check();
        } catch (ParameterException | BadInputException e) {
            throw new BadInputException(
                    label + ": its command cannot be run: " + Printable.plain(String.valueOf(e.getMessage())));
        }
        return planned;
    }

    /** Opens the model that this command asks for, to write the parts of its plan. */
    PlannedDump open(DumpPlan plan, int batchTokens) {
        Checkpoint checkpoint = options.model.open(console);
        try {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            CorpusDump dump =
                    options.corpusDump(checkpoint, vocabulary, console).batchTokens(batchTokens);
            Gpt2Weights weights = options.weights.weights(checkpoint);
            Provenance provenance = options.provenance(
                    Version.text(), checkpoint, ModelOptions.files(checkpoint), vocabulary, plan.command());
            plan.requireSame(dump, weights.processing(), provenance);
            return new PlannedDump(
                    plan,
                    checkpoint,
                    weights,
                    dump,
                    options.prompts.parser(checkpoint.config(), vocabulary),
                    provenance);
        } catch (HyalineException e) {
            checkpoint.close();
            throw e;
        }
    }

    private void run(
            Checkpoint checkpoint,
            ModelVocabulary vocabulary,
            Dump asked,
            @Nullable PromptPairs pairs,
            DumpFolder folder,
            DumpReport report) {
        // The model's files are hashed while it loads and runs.
        CompletableFuture<List<Provenance.ModelFile>> files =
                CompletableFuture.supplyAsync(() -> ModelOptions.files(checkpoint));
        List<String> command = options.canonical();
        try (Gpt2 engine = options.engine.open(options.weights.weights(checkpoint), console)) {
            Dump dump = options.edits.isGiven()
                    ? asked.edited(options.edits.read(engine, options.prompts, vocabulary))
                    : asked;
            @Nullable
            CorpusRecorder recorder =
                    page.isAsked() ? CorpusRecorder.of(engine.config(), dump.prompts(), dump.capture()) : null;
            DumpSummary summary;
            Dump.DumpSummary written;
            try (ConsoleProgress progress = new ConsoleProgress(
                    console, "dump", "tokens", dump.prompts().totalTokens())) {
                summary = new DumpSummary(dump.prompts(), progress);
                Supplier<Provenance> provenance =
                        () -> options.provenance(Version.text(), checkpoint, files.join(), vocabulary, command);
                CaptureListener listener = recorder == null ? summary : both(summary, recorder);
                written = pairs == null
                        ? dump.write(engine, folder, provenance, listener)
                        : dump.write(
                                engine,
                                folder,
                                provenance,
                                listener,
                                options.gradients.pass(engine, dump.prompts(), pairs));
            }
            report.written(engine, dump.edits(), summary, written, common.json);
            if (recorder != null) {
                ViewHeading heading = dump.edits().list().isEmpty()
                        ? heading(checkpoint)
                        : heading(checkpoint).withBasis(dump.edits().toString());
                page.write(console, checkpoint, () -> page(recorder.view(heading, vocabulary::shown)), common.json);
            }
            DumpReport.warnOfOverflow(console, written.overflowed(), options.type);
        }
    }

    private static CaptureListener both(DumpSummary summary, CorpusRecorder recorder) {
        return new CaptureListener() {
            @Override
            public void captured(HookPoint point, int sequence, float[] values, int offset, int length) {
                summary.captured(point, sequence, values, offset, length);
                recorder.captured(point, sequence, values, offset, length);
            }

            @Override
            public void finished(int sequence, float[] nextTokenLogits) {
                summary.finished(sequence, nextTokenLogits);
            }
        };
    }
}
