package dev.hyaline.tools.command;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.datasets.DatasetsFolder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.FileException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.Printable;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.instrument.capture.PromptPass;
import dev.hyaline.instrument.dump.ActivationStore;
import dev.hyaline.instrument.dump.Corpus;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.CorpusFiles;
import dev.hyaline.instrument.dump.Document;
import dev.hyaline.instrument.dump.Dump;
import dev.hyaline.instrument.dump.DumpCost;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import dev.hyaline.instrument.dump.DumpPlan;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.dump.TokenFilter;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.tools.option.CaptureOptions;
import dev.hyaline.tools.option.CheckedOptions;
import dev.hyaline.tools.option.Choice;
import dev.hyaline.tools.option.CommonOptions;
import dev.hyaline.tools.option.EngineOptions;
import dev.hyaline.tools.option.GradientOptions;
import dev.hyaline.tools.option.ModelOptions;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.tools.option.OutputFormat;
import dev.hyaline.tools.option.PartOptions;
import dev.hyaline.tools.option.PathOption;
import dev.hyaline.tools.option.PromptInput;
import dev.hyaline.tools.option.PromptOptions;
import dev.hyaline.tools.option.SaeSiteOptions;
import dev.hyaline.tools.option.SelectionOptions;
import dev.hyaline.tools.option.ShardOptions;
import dev.hyaline.tools.option.WeightOptions;
import dev.hyaline.tools.report.CorpusReport;
import dev.hyaline.tools.report.CostReport;
import dev.hyaline.tools.report.DumpReport;
import dev.hyaline.tools.report.DumpSummary;
import dev.hyaline.tools.report.PlanReport;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.ConsoleProgress;
import dev.hyaline.tools.terminal.CorpusProgress;
import dev.hyaline.tools.terminal.DisplayText;
import dev.hyaline.tools.terminal.JsonOutput;
import dev.hyaline.tools.terminal.StopNotice;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.hub.Snapshot;
import java.io.IOException;
import java.io.InputStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.ArrayList;
import java.util.Iterator;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;
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
            "  hyaline dump --gradients logit-diff --answer ' Mary' --distractor ' John' --sites resid_pre,z",
            "",
            "In Python:",
            "  from safetensors.numpy import load_file; load_file(\"hyaline-dump/activations.safetensors\")",
            "  import numpy; numpy.load(\"hyaline-dump/activations.npz\")",
            "",
            "Exit codes: 0 done; 1 failed (no file is left half written); 2 bad usage."
        })
public final class DumpCommand implements Runnable, CheckedOptions {
    private static final String DEFAULT_SITES = "all";
    private static final String DEFAULT_SITES_IN_SHARDS = "resid_post";
    private static final long MAX_TOKENS_IN_ONE_FILE = 65_536;
    private static final Duration MEASURED = Duration.ofSeconds(10);

    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private WeightOptions weightOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private SelectionOptions selection;

    @Mixin
    private SaeSiteOptions saeOptions;

    @Mixin
    private CaptureOptions captureOptions;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = "Folder to write to. Default: ${DEFAULT-VALUE}")
    private String out = "hyaline-dump";

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            completionCandidates = Choice.Formats.class,
            converter = Choice.Formats.class,
            description = {
                "${COMPLETION-CANDIDATES}. datasets is a folder as the Hugging Face library of that name saves it, of"
                        + " one site in windows of --context tokens (--pack), which SAELens reads as cached"
                        + " activations. Default: ${DEFAULT-VALUE}"
            })
    private OutputFormat format = OutputFormat.SAFETENSORS;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            completionCandidates = Choice.FloatTypes.class,
            converter = Choice.FloatTypes.class,
            description = {
                "${COMPLETION-CANDIDATES}. f32 is exact; f16 and bf16 halve the size and round to nearest."
                        + " NumPy has no bf16. Default: ${DEFAULT-VALUE}"
            })
    private ElementType type = ElementType.F32;

    @Mixin
    private ShardOptions shardOptions;

    @Mixin
    private PartOptions partOptions;

    @Mixin
    private GradientOptions gradientOptions;

    @Option(
            names = "--dry-run",
            description = "Show what would be written and how large it is, and stop. For shards, run the model for ten"
                    + " seconds to tell the time it takes, and whether to store or to compute again.")
    private boolean dryRun;

    @Option(
            names = "--prices",
            paramLabel = "X,Y",
            split = ",",
            description = "With --dry-run: prices of a core-hour and of a gigabyte for a month. Default: 0.04,0.023")
    private List<Double> prices = List.of(0.04, 0.023);

    @Mixin
    private CommonOptions common;

    public DumpCommand(Console console) {
        this.console = console;
    }

    @Override
    public void check() {
        Path folder = PathOption.parse("--out", out);
        if (partOptions.isPart() || partOptions.isFinish()) {
            return;
        }
        checkRequest();
        if (prices.size() != 2 || !prices.stream().allMatch(price -> price > 0 && price < Double.POSITIVE_INFINITY)) {
            throw new BadInputException(
                    "--prices must be those of a core-hour and of a gigabyte for a month, such as 0.04,0.023");
        }
        if (partOptions.isPlan()) {
            promptOptions.requireFilesOnly();
            engineOptions.requireProcessors();
        }
        if (format == OutputFormat.DATASETS) {
            PathOption.newFolder("--out", out);
            return;
        }
        // A dry run reports an existing dump and goes on, but also refuses a folder that cannot be written.
        DumpFolder.requireFree(folder, dryRun ? DumpFolder.IfExists.REPLACE : shardOptions.ifExists());
    }

    /** Checks what is to be written, wherever that is. */
    private void checkRequest() {
        saeOptions.check(selection.innerSites());
        if (partOptions.isPlan() && shardOptions.areRefused()) {
            throw new BadInputException("--plan is for shards; leave out --no-shards");
        }
        if (format == OutputFormat.DATASETS && (shardOptions.context == null || partOptions.isPlan())) {
            throw new BadInputException(
                    "--format datasets needs windows of tokens, --context and --pack, and excludes" + " --plan");
        }
        if (shardOptions.areRequired() || partOptions.isPlan()) {
            requireSafetensors();
            captureOptions.requireForShards();
            requireNoGradients();
        }
    }

    private void requireNoGradients() {
        if (gradientOptions.name().isPresent()) {
            throw new BadInputException("shards hold activations: --gradients excludes the options that ask for them");
        }
    }

    private void requireSafetensors() {
        if (format == OutputFormat.NPZ) {
            throw new BadInputException("shards are safetensors files; --format npz goes with --no-shards");
        }
    }

    @Override
    public void readInputs(InputStream standardInput) {
        if (captureOptions.choosesAmongPrompts()) {
            captureOptions.requireRoles(promptOptions.read());
        }
    }

    @Override
    public void run() {
        Path folder = PathOption.parse("--out", out);
        if (partOptions.isFinish()) {
            DumpPlan plan = DumpPlan.read(folder);
            new PlanReport(console, plan, folder, common.json).finished(plan.finish(folder, partOptions.verifies()));
            return;
        }
        if (partOptions.isPart()) {
            part(DumpPlan.read(folder), folder);
            return;
        }
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            Corpus corpus = () -> promptOptions
                    .source()
                    .prompts()
                    .map(input ->
                            new Document(input.source(), promptOptions.encode(input, checkpoint.config(), vocabulary)));
            if (partOptions.isPlan()) {
                plan(checkpoint, vocabulary, folder);
            } else if (inShards(corpus)) {
                shards(checkpoint, vocabulary, corpus, folder);
            } else {
                oneFile(checkpoint, vocabulary, folder);
            }
        }
    }

    private boolean inShards(Corpus corpus) {
        if (shardOptions.areRefused() || gradientOptions.name().isPresent()) {
            return false;
        }
        return shardOptions.areRequired()
                || (format == OutputFormat.SAFETENSORS && !captureOptions.choosesAmongPrompts() && needsShards(corpus));
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
        List<DerivedSite> inner = inner(checkpoint);
        Capture capture = captureOptions.capture(points(config, inner, DEFAULT_SITES));
        Dump values = Dump.of(config, prompts(config, vocabulary), capture, type, format.ofOneFile())
                .withDerived(inner);
        Dump dump = gradientOptions.name().map(values::ofGradients).orElse(values);
        PromptPairs pairs = gradientOptions
                .name()
                .map(name -> gradientOptions.pairs(config, vocabulary, dump.prompts(), !promptOptions.isGiven()))
                .orElse(null);
        DumpReport report = new DumpReport(console, checkpoint.name(), vocabulary, dump);
        if (dryRun) {
            report.forecast(
                    folder.resolve(format.ofOneFile().fileName()),
                    pairs == null ? null : Gradients.passBytes(config, dump.prompts()),
                    common.json);
            return;
        }
        // The folder is opened before the run, which would otherwise be lost if it cannot be written.
        try (DumpFolder opened = DumpFolder.open(folder, shardOptions.ifExists())) {
            run(checkpoint, vocabulary, dump, pairs, opened, report);
        }
    }

    /** The hook points to write: those asked for or, beside inner sites alone, those that these are computed from. */
    private List<HookPoint> points(Gpt2Config config, List<DerivedSite> inner, String defaultSites) {
        boolean innerAlone =
                !inner.isEmpty() && selection.patterns(defaultSites).isEmpty();
        return innerAlone ? SaeSiteOptions.sources(inner) : selection.select(config, defaultSites);
    }

    private List<DerivedSite> inner(Checkpoint checkpoint) {
        return saeOptions.isGiven()
                ? saeOptions.sites(selection.innerSites(), weightOptions.weights(checkpoint), console)
                : List.of();
    }

    private Prompts prompts(Gpt2Config config, ModelVocabulary vocabulary) {
        List<PromptInput> inputs = promptOptions.read();
        return captureOptions.withRoles(promptOptions.encode(inputs, config, vocabulary), inputs);
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
            planned.checkRequest();
            planned.shardOptions.check();
        } catch (ParameterException | BadInputException e) {
            throw new BadInputException(
                    label + ": its command cannot be run: " + Printable.plain(String.valueOf(e.getMessage())));
        }
        return planned;
    }

    /** Opens the model that this command asks for, to write the parts of its plan. */
    PlannedDump open(DumpPlan plan, int batchTokens) {
        Checkpoint checkpoint = modelOptions.open(console);
        try {
            ModelVocabulary vocabulary = new ModelVocabulary(checkpoint);
            CorpusDump dump = corpusDump(checkpoint, vocabulary).batchTokens(batchTokens);
            Gpt2Weights weights = weightOptions.weights(checkpoint);
            Provenance provenance = provenance(checkpoint, modelFiles(checkpoint), vocabulary, plan.command());
            plan.requireSame(dump, weights.processing(), provenance);
            return new PlannedDump(
                    plan, checkpoint, weights, dump, promptOptions.parser(checkpoint.config(), vocabulary), provenance);
        } catch (HyalineException e) {
            checkpoint.close();
            throw e;
        }
    }

    private void plan(Checkpoint checkpoint, ModelVocabulary vocabulary, Path folder) {
        CorpusDump dump = corpusDump(checkpoint, vocabulary);
        Provenance provenance = provenance(
                checkpoint, modelFiles(checkpoint), vocabulary, canonicalCommand(DEFAULT_SITES_IN_SHARDS, true));
        CorpusFiles corpus = promptOptions.corpus(checkpoint.config(), vocabulary);
        DumpPlan plan;
        try (ConsoleProgress progress = new ConsoleProgress(console, "plan", "tokens", ConsoleProgress.UNKNOWN)) {
            plan = DumpPlan.of(
                    dump,
                    corpus,
                    weightOptions.weights(checkpoint).processing(),
                    provenance,
                    engineOptions.threads(),
                    progress::advance);
        }
        if (!dryRun) {
            try (DumpFolder opened = DumpFolder.open(folder, shardOptions.ifExists())) {
                plan.write(opened);
            }
        }
        new PlanReport(console, plan, folder, common.json)
                .planned(dryRun ? cost(checkpoint, dump, corpus, plan.tokens(), plan.bytes()) : null);
    }

    /** Writes a part of a planned dump. */
    private void part(DumpPlan plan, Path folder) {
        DumpCommand planned = planned(plan, folder.resolve(DumpPlan.FILE).toString(), console);
        DumpPlan.Range range = partOptions.part(plan);
        try (PlannedDump dump = planned.open(plan, shardOptions.batchTokens());
                StopNotice notice = new StopNotice(console, "the same command goes on");
                Gpt2 engine = engineOptions.open(dump.weights(), console);
                ConsoleProgress progress = new ConsoleProgress(console, "part", "tokens", ConsoleProgress.UNKNOWN)) {
            long begin = System.nanoTime();
            CorpusProgress counted = new CorpusProgress(progress);
            DumpPlan.PartSummary written =
                    plan.write(dump.dump(), engine, dump.parser(), dump.provenance(), folder, range, counted);
            notice.cancel();
            new PlanReport(console, plan, folder, common.json)
                    .part(written, counted.tokens(), Duration.ofNanos(System.nanoTime() - begin));
            planned.warnOfOverflow(written.overflowed());
        }
    }

    private CorpusDump corpusDump(Checkpoint checkpoint, ModelVocabulary vocabulary) {
        TokenFilter filter =
                TokenFilter.all().positions(captureOptions.positions()).every(shardOptions.every());
        List<DerivedSite> inner = inner(checkpoint);
        CorpusDump dump = CorpusDump.of(
                        checkpoint.config(), points(checkpoint.config(), inner, DEFAULT_SITES_IN_SHARDS))
                .withDerived(inner)
                .heads(captureOptions.heads())
                .neurons(captureOptions.neurons())
                .filter(shardOptions.skipBos ? filter.skippingFirst(bos(vocabulary)) : filter)
                .longDocuments(shardOptions.longDocuments())
                .type(type)
                .shardBytes(shardOptions.bytes())
                .batchTokens(shardOptions.batchTokens());
        return shardOptions.context == null ? dump : dump.packed(shardOptions.context);
    }

    private void shards(Checkpoint checkpoint, ModelVocabulary vocabulary, Corpus corpus, Path folder) {
        CorpusDump dump = corpusDump(checkpoint, vocabulary);
        CorpusDump.Forecast forecast;
        try (ConsoleProgress progress = new ConsoleProgress(console, "read", "tokens", ConsoleProgress.UNKNOWN)) {
            forecast = dump.forecast(corpus, progress::advance);
        }
        CorpusReport report = new CorpusReport(console, checkpoint.name(), dump, forecast);
        if (dryRun) {
            report.forecast(folder, cost(checkpoint, dump, corpus, forecast.tokens(), forecast.bytes()), common.json);
            return;
        }
        if (format == OutputFormat.DATASETS) {
            requireOneSite(dump);
            Path shards = hiddenShards(folder);
            // What is there is of a run of this command that was killed: nobody else writes there.
            IfExists ifExists = shardOptions.ifExists() == IfExists.RESUME ? IfExists.RESUME : IfExists.REPLACE;
            write(checkpoint, vocabulary, corpus, forecast, dump, shards, ifExists, null);
            datasets(dump.points().getFirst(), shards, folder);
            return;
        }
        write(checkpoint, vocabulary, corpus, forecast, dump, folder, shardOptions.ifExists(), report);
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
                Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
            Provenance provenance = provenance(
                    checkpoint, modelFiles(checkpoint), vocabulary, canonicalCommand(DEFAULT_SITES_IN_SHARDS, true));
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
            warnOfOverflow(written.overflowed());
        }
    }

    private void requireOneSite(CorpusDump dump) {
        boolean all = dump.filter().equals(TokenFilter.all())
                && dump.heads().isAll()
                && dump.neurons().isAll();
        if (dump.points().size() != 1 || !dump.derived().isEmpty() || !all) {
            throw new BadInputException("--format datasets writes one site of every token, found "
                    + (all ? dump.points().size() + dump.derived().size() + " sites" : "a choice of values")
                    + "; choose one with --sites and --layers, and leave out --every, --positions, --heads and"
                    + " --neurons");
        }
    }

    /** Where the shards of a folder for datasets are while it is made. */
    private static Path hiddenShards(Path folder) {
        Path target = folder.toAbsolutePath().normalize();
        return target.resolveSibling("." + target.getFileName() + ".shards");
    }

    private void datasets(HookPoint point, Path shards, Path folder) {
        long windows;
        try (ActivationStore store = ActivationStore.open(shards);
                ConsoleProgress progress = new ConsoleProgress(console, "write", "windows", store.documents())) {
            windows = store.documents();
            DatasetsFolder.write(store, point, folder, progress::advance);
        }
        try (Stream<Path> files = Files.list(shards)) {
            for (Path file : files.toList()) {
                Files.delete(file);
            }
            Files.delete(shards);
        } catch (IOException e) {
            throw FileException.writing(shards, e);
        }
        if (common.json) {
            JsonOutput.print(console, json -> {
                json.writeBooleanProperty("written", true);
                json.writeStringProperty("out", folder.toString());
                json.writeStringProperty("site", point.name());
                json.writeNumberProperty("windows", windows);
            });
        } else {
            console.out()
                    .println("Wrote " + DisplayText.plural(windows, "window") + " of " + shardOptions.context
                            + " tokens of " + point + " to " + folder);
            console.out().println("  SAELens reads it as cached_activations_path, Python by datasets.load_from_disk");
        }
    }

    private CostReport cost(Checkpoint checkpoint, CorpusDump dump, Corpus corpus, long tokens, long bytes) {
        try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
            return new CostReport(
                    DumpCost.measure(dump, engine, corpus, MEASURED), tokens, bytes, prices.get(0), prices.get(1));
        }
    }

    private static int bos(ModelVocabulary vocabulary) {
        return vocabulary
                .beginOfText()
                .orElseThrow(() -> new BadInputException("the model has no tokenizer files, and its configuration names"
                        + " no token that begins a text; instead of --skip-bos use --positions 1--1"));
    }

    private void run(
            Checkpoint checkpoint,
            ModelVocabulary vocabulary,
            Dump dump,
            @Nullable PromptPairs pairs,
            DumpFolder folder,
            DumpReport report) {
        // The model's files are hashed while it loads and runs.
        CompletableFuture<List<Provenance.ModelFile>> files =
                CompletableFuture.supplyAsync(() -> modelFiles(checkpoint));
        List<String> command = canonicalCommand(DEFAULT_SITES, false);
        try (Gpt2 engine = engineOptions.open(weightOptions.weights(checkpoint), console)) {
            DumpSummary summary;
            Dump.DumpSummary written;
            try (ConsoleProgress progress = new ConsoleProgress(
                    console, "dump", "tokens", dump.prompts().totalTokens())) {
                summary = new DumpSummary(dump.prompts(), progress);
                PromptPass pass = pairs == null
                        ? PromptPass.plain(engine, dump.prompts())
                        : gradientOptions.pass(engine, dump.prompts(), pairs);
                written = dump.write(
                        engine, folder, () -> provenance(checkpoint, files.join(), vocabulary, command), summary, pass);
            }
            report.written(engine, summary, written, common.json);
            warnOfOverflow(written.overflowed());
        }
    }

    private void warnOfOverflow(long overflowed) {
        if (overflowed > 0) {
            console.err()
                    .println("hyaline: " + DisplayText.plural(overflowed, "value") + " became infinite, too large for "
                            + type + "; --dtype f32 keeps them");
        }
    }

    private static List<Provenance.ModelFile> modelFiles(Checkpoint checkpoint) {
        return checkpoint.files().stream()
                .map(file -> new Provenance.ModelFile(file.name(), file.bytes(), file.sha256()))
                .toList();
    }

    private Provenance provenance(
            Checkpoint checkpoint, List<Provenance.ModelFile> files, ModelVocabulary vocabulary, List<String> command) {
        return new Provenance(
                Version.text(),
                command,
                modelOptions.snapshot().map(Snapshot::pinned).orElse(checkpoint.name()),
                files,
                promptOptions.prependedToken(vocabulary).orElse(null),
                vocabulary::text);
    }

    /** The command that writes the same values, with every default spelled out and without the folder. */
    private List<String> canonicalCommand(String defaultSites, boolean inShards) {
        List<String> command = new ArrayList<>(List.of("hyaline", "dump", "--model", modelOptions.pinned()));
        command.addAll(engineOptions.canonical());
        command.addAll(weightOptions.canonical());
        command.addAll(promptOptions.canonical());
        command.addAll(saeOptions.canonical());
        selection.patterns(defaultSites).forEach(sites -> command.addAll(List.of("--sites", sites)));
        selection.innerSites().forEach(sites -> command.addAll(List.of("--sites", sites)));
        command.addAll(List.of("--layers", selection.layers().toString()));
        command.addAll(captureOptions.canonical());
        command.addAll(List.of("--format", format.ofOneFile().toString(), "--dtype", type.toString()));
        command.addAll(gradientOptions.canonical());
        command.addAll(inShards ? shardOptions.canonical() : List.of("--no-shards"));
        return command;
    }
}
