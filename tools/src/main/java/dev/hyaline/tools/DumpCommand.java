package dev.hyaline.tools;

import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.instrument.Capture;
import dev.hyaline.instrument.Dump;
import dev.hyaline.instrument.DumpFolder;
import dev.hyaline.instrument.DumpFormat;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.IndexSelection;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.Provenance;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.hub.Snapshot;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.CompletableFuture;
import picocli.CommandLine.Command;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** {@code hyaline dump}: runs prompts and writes what hook points hold. */
@Command(
        name = "dump",
        header = "Runs prompts and writes every activation asked for to a file.",
        description = {
            "",
            "Without options, dumps all hook points of the built-in model on a built-in prompt to the folder"
                    + " hyaline-dump: the tensors under their TransformerLens names, and manifest.json, which says all"
                    + " that is needed to make them again."
        },
        sortOptions = false,
        abbreviateSynopsis = true,
        optionListHeading = "%nOptions:%n",
        footerHeading = "%nTensors:%n",
        footer = {
            "  Prompts of one length: blocks.0.hook_resid_post is [prompts, positions, width], an attention map",
            "  is [prompts, heads, queries, keys], and tokens and positions are [prompts, positions].",
            "  Prompts of unequal lengths lie end to end: blocks.0.hook_resid_post is [rows, width], prompt s in",
            "  the rows from offsets[s] to offsets[s + 1]; each has attention maps of its own, [heads, queries,",
            "  keys], named blocks.0.attn.hook_pattern.0, blocks.0.attn.hook_pattern.1 and so on.",
            "",
            "Examples:",
            "  hyaline dump --prompt \"The capital of France is\" --sites resid_post,pattern --out france",
            "  hyaline dump --prompts corpus.jsonl --sites mlp.post --layers -1 --positions last --dtype f16",
            "  hyaline dump --sites 'blocks.*.attn.hook_*' --format npz --dry-run",
            "",
            "In Python:",
            "  from safetensors.numpy import load_file; load_file(\"hyaline-dump/activations.safetensors\")",
            "  import numpy; numpy.load(\"hyaline-dump/activations.npz\")",
            "",
            "Exit codes: 0 done; 1 failed (nothing is left half written); 2 bad usage."
        })
final class DumpCommand implements Runnable {
    private static final String DEFAULT_SITES = "all";

    private final Console console;

    @Mixin
    private PromptOptions promptOptions;

    @Mixin
    private ModelOptions modelOptions;

    @Mixin
    private EngineOptions engineOptions;

    @Mixin
    private SelectionOptions selection;

    @Option(
            names = "--positions",
            paramLabel = "LIST",
            description = {
                "Only these positions of each prompt: 0,3-5,-1 or last (a range is cut to the prompt, a single position"
                        + " must exist). Of attention maps they choose the queries."
            })
    private String positions = "all";

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
            description = "${COMPLETION-CANDIDATES}. Default: ${DEFAULT-VALUE}")
    private DumpFormat format = DumpFormat.SAFETENSORS;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            completionCandidates = Choice.FloatTypes.class,
            converter = Choice.FloatTypes.class,
            description = {
                "${COMPLETION-CANDIDATES}. f32 is exact; f16 and bf16 halve the size and round to nearest."
                        + " NumPy knows no bf16. Default: ${DEFAULT-VALUE}"
            })
    private ElementType type = ElementType.F32;

    @Option(names = "--dry-run", description = "Show what would be written and how large it is, and stop.")
    private boolean dryRun;

    @Option(names = "--force", description = "Replace a dump in the folder, once the new one is complete.")
    private boolean force;

    @Mixin
    private CommonOptions common;

    DumpCommand(Console console) {
        this.console = console;
    }

    @Override
    public void run() {
        Path folder = ModelOptions.path("--out", out);
        IndexSelection chosenPositions = SelectionOptions.indices("--positions", positions);
        int threads = engineOptions.threads();
        try (Checkpoint checkpoint = modelOptions.open(console)) {
            Gpt2Config config = checkpoint.config();
            Vocabulary vocabulary = new Vocabulary(checkpoint);
            Capture capture = new Capture(selection.select(config, DEFAULT_SITES), chosenPositions);
            Prompts prompts = promptOptions.encode(promptOptions.read(console.in()), config, vocabulary);
            Dump dump = Dump.of(config, prompts, capture, type, format);
            DumpReport report = new DumpReport(console, checkpoint.name(), vocabulary, prompts, capture, dump);
            if (dryRun) {
                report.forecast(folder.resolve(format.fileName()), common.json);
                return;
            }
            // Before anything is computed: an output that cannot be written must not cost a run.
            try (DumpFolder opened = DumpFolder.open(folder, force)) {
                run(checkpoint, threads, vocabulary, prompts, dump, opened, report);
            }
        }
    }

    private void run(
            Checkpoint checkpoint,
            int threads,
            Vocabulary vocabulary,
            Prompts prompts,
            Dump dump,
            DumpFolder folder,
            DumpReport report) {
        // The model's files are hashed while it loads and runs.
        CompletableFuture<List<Provenance.ModelFile>> files =
                CompletableFuture.supplyAsync(() -> modelFiles(checkpoint));
        try (Gpt2 engine = Gpt2.of(checkpoint.weights(), threads)) {
            DumpSummary summary;
            Dump.Written written;
            try (Progress progress = new Progress(console, "dump", "tokens", prompts.totalTokens())) {
                summary = new DumpSummary(prompts, progress);
                written = dump.write(engine, folder, () -> provenance(checkpoint, files.join(), vocabulary), summary);
            }
            report.written(engine, summary, written, common.json);
            if (written.overflowed() > 0) {
                console.err()
                        .println("hyaline: " + Text.plural(written.overflowed(), "value")
                                + " became infinite, too large for " + type + "; --dtype f32 keeps them");
            }
        }
    }

    private static List<Provenance.ModelFile> modelFiles(Checkpoint checkpoint) {
        return checkpoint.files().stream()
                .map(file -> new Provenance.ModelFile(file.name(), file.bytes(), file.sha256()))
                .toList();
    }

    private Provenance provenance(Checkpoint checkpoint, List<Provenance.ModelFile> files, Vocabulary vocabulary) {
        return new Provenance(
                Version.text(),
                canonicalCommand(),
                modelOptions.snapshot().map(Snapshot::pinned).orElse(checkpoint.name()),
                files,
                promptOptions.prependedToken(vocabulary),
                vocabulary::text);
    }

    /**
     * The command that writes the same values, with every default spelled out; where it writes them to does not belong
     * here.
     */
    private List<String> canonicalCommand() {
        List<String> command = new ArrayList<>(List.of("hyaline", "dump", "--model", modelOptions.pinned()));
        command.addAll(promptOptions.canonical());
        selection.patterns(DEFAULT_SITES).forEach(sites -> command.addAll(List.of("--sites", sites)));
        command.addAll(List.of("--layers", selection.layers().toString(), "--positions", positions));
        command.addAll(List.of("--format", format.toString(), "--dtype", type.toString()));
        return command;
    }
}
