package dev.hyaline.tools.option;

import dev.hyaline.analysis.sparse.splice.SpliceSite;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.files.InputErrors;
import dev.hyaline.files.Json;
import dev.hyaline.instrument.ElementType;
import dev.hyaline.instrument.capture.DerivedSite;
import dev.hyaline.instrument.dump.CorpusDump;
import dev.hyaline.instrument.dump.DumpFolder;
import dev.hyaline.instrument.dump.DumpFolder.IfExists;
import dev.hyaline.instrument.dump.Provenance;
import dev.hyaline.instrument.dump.TokenFilter;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.ModelSource;
import dev.hyaline.weights.hub.Snapshot;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Objects;
import org.jspecify.annotations.Nullable;
import picocli.CommandLine.Mixin;
import picocli.CommandLine.Option;

/** What {@code hyaline dump} writes, and where. */
public final class DumpOptions {
    /** The sites that one file holds unless some are chosen. */
    public static final String SITES = "all";

    private static final String SITES_IN_SHARDS = "resid_post";
    private static final String DEFAULT_FOLDER = "hyaline-dump";

    /** Options that take something from files, which may be others by now. */
    private static final List<String> FROM_FILES =
            List.of("--prompts", "--edits", "--source-dump", "--add", "--project-out", "--edit-subspace", "--sae");

    @Mixin
    public PromptOptions prompts;

    @Mixin
    public ModelOptions model;

    @Mixin
    public WeightOptions weights;

    @Mixin
    public EngineOptions engine;

    @Mixin
    private SelectionOptions selection;

    @Mixin
    private SaeSiteOptions saes;

    @Mixin
    public CaptureOptions capture;

    @Option(
            names = {"-o", "--out"},
            paramLabel = "DIR",
            description = "Folder to write to. Default: " + DEFAULT_FOLDER
                    + ", where a dump that the same command made is replaced")
    private @Nullable String out;

    @Option(
            names = "--format",
            paramLabel = "FORMAT",
            completionCandidates = Choice.Formats.class,
            converter = Choice.Formats.class,
            description = {
                "${COMPLETION-CANDIDATES}. datasets is a folder as the Hugging Face library of that name saves it, of"
                        + " one site in windows of --context tokens (--pack), which SAELens reads as cached"
                        + " activations. delphi is shards of what fires in the autoencoder of --sae, in place of"
                        + " activations, in such windows: locations [n,3] (window of the shard, position, latent),"
                        + " activations [n] and tokens. Default: ${DEFAULT-VALUE}"
            })
    public OutputFormat format = OutputFormat.SAFETENSORS;

    @Option(
            names = "--dtype",
            paramLabel = "TYPE",
            completionCandidates = Choice.FloatTypes.class,
            converter = Choice.FloatTypes.class,
            description = {
                "${COMPLETION-CANDIDATES}. f32 is exact; f16 and bf16 halve the size and round to nearest."
                        + " NumPy has no bf16. Default: ${DEFAULT-VALUE}"
            })
    public ElementType type = ElementType.F32;

    @Mixin
    public ShardOptions shards;

    @Mixin
    public GradientOptions gradients;

    @Mixin
    public EditOptions edits = EditOptions.beside();

    private String out() {
        return out == null ? DEFAULT_FOLDER : out;
    }

    /**
     * The action to take if the folder holds a dump in one file already. The default folder's is replaced if the same
     * command made it, so that a command may be repeated as it is.
     */
    public IfExists ifExistsInOneFile() {
        IfExists asked = shards.ifExists();
        return asked == IfExists.REFUSE && out == null && isOfThisCommand(folder().resolve(DumpFolder.MANIFEST))
                ? IfExists.REPLACE
                : asked;
    }

    private boolean isOfThisCommand(Path manifest) {
        List<String> command = canonical();
        boolean fromFiles = command.stream().anyMatch(FROM_FILES::contains)
                || ModelSource.of(model.pinned()) instanceof ModelSource.OnDisk;
        if (!Files.isRegularFile(manifest) || fromFiles) {
            return false;
        }
        try {
            return Json.readObject(InputErrors.INSTANCE, manifest.toString(), Files.readAllBytes(manifest))
                    .get("command")
                    .map(written -> written.elements().stream()
                            .map(Json::string)
                            .toList()
                            .equals(command))
                    .orElse(false);
        } catch (IOException | BadInputException e) {
            return false; // It is refused as any other that is there.
        }
    }

    /** The folder to write to. */
    public Path folder() {
        return PathOption.parse("--out", out());
    }

    /** Checks that the folder, which is written as a whole, is not there. */
    public void requireNewFolder() {
        PathOption.newFolder("--out", out());
    }

    /**
     * Checks what is to be written, wherever that is.
     *
     * @param plan whether it is only planned
     */
    public void checkRequest(boolean plan) {
        if (isOfLatents()) {
            requireLatents();
        } else {
            saes.check(selection.innerSites());
        }
        if (plan && shards.areRefused()) {
            throw new BadInputException("--plan is for shards; leave out --no-shards");
        }
        if (format == OutputFormat.DATASETS && (shards.context == null || plan)) {
            throw new BadInputException(
                    "--format datasets needs windows of tokens, --context and --pack, and excludes" + " --plan");
        }
        if (edits.isGiven() && gradients.name().isPresent()) {
            throw new BadInputException(
                    "--gradients is of the model as it is; leave it out, or --zero, --edits and the like");
        }
        if (shards.areRequired() || plan) {
            requireSafetensors();
            capture.requireForShards();
            requireNoGradients();
            requireNoEdits();
        }
    }

    private void requireNoEdits() {
        if (edits.isGiven()) {
            throw new BadInputException("shards hold activations of the model as it is: --zero, --edits and the like"
                    + " go with one file (--no-shards), found an option for shards");
        }
    }

    /** Returns whether what fires in an autoencoder is written in place of activations. */
    private boolean isOfLatents() {
        return format == OutputFormat.DELPHI
                || (format == OutputFormat.SAFETENSORS && saes.isGiven() && selection.isEmpty());
    }

    private void requireLatents() {
        if (saes.count() != 1) {
            throw new BadInputException("--format delphi writes what fires in one autoencoder, --sae, found "
                    + (saes.isGiven() ? String.valueOf(saes.count()) : "none"));
        }
        if (!selection.innerSites().isEmpty()) {
            throw new BadInputException("--format delphi writes the latents that fire; leave out "
                    + selection.innerSites().getFirst() + ", or the format to write the site with its zeros");
        }
        if (shards.context == null) {
            throw new BadInputException("--sae without inner sites in --sites writes what fires in the autoencoder"
                    + " (--format delphi), of windows of tokens: it needs --context and --pack; inner sites are "
                    + String.join(", ", SpliceSite.names()));
        }
        if (shards.every() != 1
                || !capture.positions().isAll()
                || !capture.heads().isAll()
                || !capture.neurons().isAll()) {
            throw new BadInputException("--format delphi writes what fires in every token; leave out --every,"
                    + " --positions, --heads and --neurons");
        }
    }

    private void requireNoGradients() {
        if (gradients.name().isPresent()) {
            throw new BadInputException("shards hold activations: --gradients excludes the options that ask for them");
        }
    }

    private void requireSafetensors() {
        if (format == OutputFormat.NPZ) {
            throw new BadInputException("shards are safetensors files; --format npz goes with --no-shards");
        }
    }

    /** The hook points to write: those asked for or, beside inner sites alone, those that these are computed from. */
    public List<HookPoint> points(Gpt2Config config, List<DerivedSite> inner, String defaultSites) {
        boolean innerAlone =
                !inner.isEmpty() && selection.patterns(defaultSites).isEmpty();
        return innerAlone ? SaeSiteOptions.sources(inner) : selection.select(config, defaultSites);
    }

    /** The inner sites of autoencoders to write. */
    public List<DerivedSite> inner(Checkpoint checkpoint, Console console) {
        return saes.isGiven() ? saes.sites(selection.innerSites(), weights.weights(checkpoint), console) : List.of();
    }

    /** The dump of a corpus into shards that is asked for. */
    public CorpusDump corpusDump(Checkpoint checkpoint, ModelVocabulary vocabulary, Console console) {
        if (isOfLatents()) {
            List<HookPoint> chosen =
                    selection.isEmpty() ? List.of() : selection.select(checkpoint.config(), SITES_IN_SHARDS);
            DerivedSite latents = saes.latents(chosen, weights.weights(checkpoint), console);
            return CorpusDump.of(checkpoint.config(), latents.sources())
                    .packed(Objects.requireNonNull(shards.context))
                    .latentsOf(latents)
                    .type(type)
                    .shardBytes(shards.bytes())
                    .batchTokens(shards.batchTokens());
        }
        TokenFilter filter = TokenFilter.all().positions(capture.positions()).every(shards.every());
        List<DerivedSite> inner = inner(checkpoint, console);
        CorpusDump dump = CorpusDump.of(checkpoint.config(), points(checkpoint.config(), inner, SITES_IN_SHARDS))
                .withDerived(inner)
                .heads(capture.heads())
                .neurons(capture.neurons())
                .filter(shards.skipBos ? filter.skippingFirst(bos(vocabulary)) : filter)
                .longDocuments(shards.longDocuments())
                .type(type)
                .shardBytes(shards.bytes())
                .batchTokens(shards.batchTokens());
        return shards.context == null ? dump : dump.packed(shards.context);
    }

    private static int bos(ModelVocabulary vocabulary) {
        return vocabulary
                .beginOfText()
                .orElseThrow(() -> new BadInputException("the model has no tokenizer files, and its configuration names"
                        + " no token that begins a text; instead of --skip-bos use --positions 1--1"));
    }

    /**
     * The origin of a dump.
     *
     * @param tool name and version of the program
     */
    public Provenance provenance(
            String tool,
            Checkpoint checkpoint,
            List<Provenance.ModelFile> files,
            ModelVocabulary vocabulary,
            List<String> command) {
        return new Provenance(
                tool,
                command,
                model.snapshot().map(Snapshot::pinned).orElse(checkpoint.name()),
                files,
                prompts.prependedToken(vocabulary).orElse(null),
                vocabulary::text);
    }

    /** The command that writes the same values to one file, with every default spelled out and without the folder. */
    public List<String> canonical() {
        return canonical(SITES, shards.canonicalInOneFile());
    }

    /** The command that writes the same shards, likewise. */
    public List<String> canonicalInShards() {
        return canonical(SITES_IN_SHARDS, shards.canonical());
    }

    private List<String> canonical(String defaultSites, List<String> ofShards) {
        List<String> command = new ArrayList<>(List.of("hyaline", "dump", "--model", model.pinned()));
        command.addAll(engine.canonical());
        command.addAll(weights.canonical());
        command.addAll(prompts.canonical());
        command.addAll(saes.canonical());
        if (!isOfLatents() || !selection.isEmpty()) {
            selection.patterns(defaultSites).forEach(sites -> command.addAll(List.of("--sites", sites)));
        }
        selection.innerSites().forEach(sites -> command.addAll(List.of("--sites", sites)));
        command.addAll(List.of("--layers", selection.layers().toString()));
        command.addAll(capture.canonical());
        String written = isOfLatents()
                ? OutputFormat.DELPHI.toString()
                : format.ofOneFile().toString();
        command.addAll(List.of("--format", written, "--dtype", type.toString()));
        command.addAll(gradients.canonical());
        command.addAll(edits.canonical());
        command.addAll(ofShards);
        return command;
    }
}
