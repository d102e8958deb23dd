package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Json;
import dev.hyaline.files.MappedMemory;
import dev.hyaline.weights.hub.Hub;
import dev.hyaline.weights.hub.HubListener;
import dev.hyaline.weights.hub.HubSettings;
import dev.hyaline.weights.hub.Snapshot;
import dev.hyaline.weights.internal.CheckpointTensors;
import dev.hyaline.weights.internal.ConfigFile;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.ModelFiles;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.ResourceFolder;
import dev.hyaline.weights.internal.tensorflow.TensorFlowModel;
import dev.hyaline.weights.internal.tokens.Gpt2Vocabulary;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import dev.hyaline.weights.internal.tokens.TokenizerSource;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.Set;
import org.jspecify.annotations.Nullable;

/**
 * A GPT-2 on disk or built in, in Hugging Face's layout ({@code config.json}, {@code model.safetensors} or its shards,
 * and optionally a tokenizer) or in any other format of GPT-2: PyTorch's, nanoGPT's, llm.c's, GGUF, TensorFlow's and
 * TransformerLens's. The format is recognised by the content of the files, not by their names.
 *
 * <p>Opening checks everything but the parameters' values: the configuration, the header of each file against the file,
 * and that the tensors are those that the configuration requires. The files stay mapped into memory until the
 * checkpoint is closed. Safe to use from several threads.
 */
public final class Checkpoint implements AutoCloseable {
    private static final String MODEL_CARD = "README.md";
    private static final int MODEL_CARD_LIMIT = 1 << 24;
    private static final int KEPT_LIMIT = 1 << 25;
    private static final List<String> BUILT_IN = List.of("fable");

    /** Files of a tokenizer or of generation settings, of which not all are read here. */
    private static final List<String> KEPT = List.of(
            ModelFiles.GENERATION,
            "tokenizer_config.json",
            "special_tokens_map.json",
            "added_tokens.json",
            "vocab.json",
            "merges.txt",
            "chat_template.jinja",
            "chat_template.json");

    private final String name;
    private final Folder folder;
    private final OpenedModel model;
    private final CheckpointTensors tensors;
    private final Arena arena;

    private Checkpoint(String name, Folder folder, OpenedModel model, CheckpointTensors tensors, Arena arena) {
        this.name = name;
        this.folder = folder;
        this.model = model;
        this.tensors = tensors;
        this.arena = arena;
    }

    /**
     * Opens a checkpoint on disk.
     *
     * @param directoryOrFile a folder, or a file of weights in one; of weights in several files, the one that lists the
     *     others, which for TensorFlow's may be given without {@code .index}
     * @throws BadCheckpointException if it does not hold a GPT-2, naming the file and the tensor or key
     */
    public static Checkpoint open(Path directoryOrFile) {
        Path path = directoryOrFile.toAbsolutePath().normalize();
        if (Files.isDirectory(path)) {
            Folder folder = new DiskFolder(path);
            return open(nameOf(path), folder, ModelFiles.find(folder));
        }
        Path directory = path.getParent();
        if (directory != null && Files.isRegularFile(path)) {
            String name = nameOf(ModelFiles.isNamedAfterFolder(nameOf(path)) ? directory : path);
            return open(name, new DiskFolder(directory), nameOf(path));
        }
        if (directory != null && !Files.exists(path)) {
            Folder folder = new DiskFolder(directory);
            Optional<String> index = TensorFlowModel.indexOf(folder, nameOf(path));
            if (index.isPresent()) {
                return open(nameOf(directory), folder, index.get());
            }
        }
        throw BadCheckpointException.file(
                directoryOrFile,
                "a folder with a checkpoint, or a file of weights",
                Files.exists(path) ? "something else" : "nothing there");
    }

    /**
     * Opens a snapshot of a repository of the Hugging Face hub, under the repository's name.
     *
     * @throws BadCheckpointException if it does not hold a GPT-2, naming the file and the tensor or key
     */
    public static Checkpoint open(Snapshot snapshot) {
        Folder folder = new DiskFolder(snapshot.folder());
        return open(snapshot.repository(), folder, ModelFiles.find(folder));
    }

    /**
     * Opens a model that comes with this library.
     *
     * @throws BadInputException if it is not one of {@link #builtInNames}
     */
    public static Checkpoint builtIn(String name) {
        if (!BUILT_IN.contains(name)) {
            throw new BadInputException(
                    "no built-in model is called " + name + "; there is " + String.join(", ", BUILT_IN));
        }
        Folder folder = new ResourceFolder(name);
        return open(name, folder, ModelFiles.find(folder));
    }

    /**
     * Opens the model that a name means, downloading it from the hub if necessary, as the environment configures the
     * hub.
     *
     * @param name a built-in model, a folder or file, or a repository of the Hugging Face hub: {@code fable},
     *     {@code gpt2}, {@code OWNER/NAME@REVISION}
     * @throws BadCheckpointException if there is none, or it does not hold a GPT-2
     * @throws dev.hyaline.weights.hub.HubException if it cannot be downloaded
     */
    public static Checkpoint named(String name) {
        return switch (ModelSource.of(name)) {
            case ModelSource.BuiltIn builtIn -> builtIn(builtIn.name());
            case ModelSource.OnDisk onDisk -> open(onDisk.path());
            case ModelSource.OnHub onHub -> {
                Hub hub = Hub.of(HubSettings.of(System.getenv()));
                yield open(onHub.snapshot(hub, false, HubListener.SILENT));
            }
        };
    }

    /** The models that come with this library. */
    public static List<String> builtInNames() {
        return BUILT_IN;
    }

    private static Checkpoint open(String name, Folder folder, String file) {
        Arena arena = Arena.ofShared();
        try {
            OpenedModel model = ModelFiles.open(folder, file, arena);
            CheckpointTensors tensors = CheckpointTensors.of(model.config(), model.tensors(), arena.scope());
            MappedMemory.requireWhole();
            return new Checkpoint(name, folder, model, tensors, arena);
        } catch (InternalError e) {
            arena.close();
            throw MappedFile.cutShort(folder.label(file), e);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private static String nameOf(Path path) {
        Path last = path.getFileName();
        return last == null ? path.toString() : last.toString();
    }

    /** The name of the built-in model, of the hub's repository, or of the folder. */
    public String name() {
        return name;
    }

    public Gpt2Config config() {
        return model.config();
    }

    /**
     * Reads and packs the parameters; each call does so anew. Matrices stored as BF16 stay so in memory, which changes
     * no bit of a result.
     *
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     * @throws IllegalStateException if the checkpoint is closed
     */
    public Gpt2Weights weights() {
        tensors.requireOpen();
        try {
            Gpt2Weights weights = Gpt2Weights.load(config(), tensors);
            tensors.unload();
            return weights;
        } catch (BadCheckpointException e) {
            throw tensors.asStored(e);
        }
    }

    /**
     * Reads every tensor as {@link #weights} does and keeps none.
     *
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     * @throws IllegalStateException if the checkpoint is closed
     */
    public void check() {
        tensors.requireOpen();
        try {
            Gpt2Weights.check(config(), tensors);
            tensors.unload();
        } catch (BadCheckpointException e) {
            throw tensors.asStored(e);
        }
    }

    /**
     * The stored parameters, widened as they are read, for callers that need single tensors and not a model. Readable
     * until the checkpoint is closed.
     */
    public TensorSource tensors() {
        return tensors;
    }

    /**
     * The names of tensors in the files that are not part of the language model and not read: heads for values, rewards
     * or classes, such as {@code v_head.summary.weight}.
     */
    public List<String> leftOut() {
        return tensors.leftOut();
    }

    /** The types of the stored parameters; just one in most checkpoints. */
    public Set<StorageDtype> storageDtypes() {
        return tensors.dtypes();
    }

    /** The types of one stored tensor; none if the file omits it because all its values are zeros or ones. */
    Set<StorageDtype> storageDtypes(TensorSpec tensor) {
        return tensors.dtypes(tensor);
    }

    /**
     * All tokens that end a text, the usual one first: those of the configuration ({@code config.json} and
     * {@code generation_config.json}, or the metadata of the file of weights) and of the tokenizer. Empty if neither
     * names one.
     */
    public List<Integer> endsOfText() {
        return tokenizerIfAny().map(Tokenizer::endsOfText).orElse(model.tokens().ends());
    }

    /** The token before a text: {@link Tokenizer#beginOfText}, or without a tokenizer the one that the model names. */
    public OptionalInt beginOfText() {
        Integer token = beginToken();
        return token == null ? OptionalInt.empty() : OptionalInt.of(token);
    }

    private @Nullable Integer beginToken() {
        try {
            return tokenizerIfAny()
                    .map(Tokenizer::beginOfText)
                    .orElse(model.tokens().begin());
        } catch (BadInputException e) {
            return null;
        }
    }

    private Optional<Tokenizer> tokenizerIfAny() {
        return hasTokenizer() ? Optional.of(tokenizer()) : Optional.empty();
    }

    /**
     * The checkpoint's facts about tokens other than {@code config.json}, as files that Hugging Face reads, by name.
     */
    Map<String, byte[]> tokenFiles() {
        Map<String, byte[]> files = new LinkedHashMap<>();
        if (model.tokenizer() == null) {
            KEPT.stream().filter(folder::has).forEach(file -> files.put(file, folder.read(file, KEPT_LIMIT)));
        }
        storedTokenizer().map(TokenizerSource::huggingFaceFiles).ifPresent(files::putAll);
        return files;
    }

    /**
     * The files that stand beside the weights in a Hugging Face folder of a model that reads this one's tokens:
     * {@code config.json}, and the tokenizer's files if there are any.
     *
     * @param config of the model; its vocabulary may be larger than this one's
     * @return the files' content by name
     */
    public Map<String, byte[]> filesBesideWeights(Gpt2Config config) {
        Map<String, byte[]> files = new LinkedHashMap<>();
        files.put(
                ConfigFile.NAME,
                new ConfigFile(config, tokens()).json(configJson().orElse(null)));
        files.putAll(tokenFiles());
        return files;
    }

    /** The facts about tokens in the checkpoint's files and its tokenizer, combined. */
    ModelTokens tokens() {
        return new ModelTokens(config().dVocab(), beginToken(), endsOfText());
    }

    /** {@code config.json}, if the checkpoint has one. */
    Optional<Json> configJson() {
        return model.files().contains(ConfigFile.NAME) ? Optional.of(ConfigFile.json(folder)) : Optional.empty();
    }

    /** Returns whether there is a tokenizer to read. */
    public boolean hasTokenizer() {
        return storedTokenizer().isPresent() || usesGpt2Vocabulary();
    }

    /**
     * Reads the tokenizer, anew at each call: the one in the file of weights (GGUF), else {@code tokenizer.json}, else
     * {@code vocab.json} and {@code merges.txt} (or {@code encoder.json} and {@code vocab.bpe}), else GPT-2's own if
     * the model has its 50,257 tokens, padded to 50,304 or not.
     *
     * @throws BadCheckpointException if there is none, or a file is broken or asks for what is not supported
     */
    public Tokenizer tokenizer() {
        Optional<TokenizerSource> stored = storedTokenizer();
        if (stored.isPresent()) {
            return stored.get().read(model.tokens());
        }
        if (usesGpt2Vocabulary()) {
            return TokenizerFiles.readGpt2(folder, model.tokens());
        }
        throw BadCheckpointException.file(
                folder.label(""), "a tokenizer (tokenizer.json, or vocab.json and merges.txt)", "none");
    }

    private Optional<TokenizerSource> storedTokenizer() {
        return Optional.ofNullable(model.tokenizer()).or(() -> TokenizerFiles.source(folder));
    }

    private boolean usesGpt2Vocabulary() {
        return config().dVocab() == Gpt2Vocabulary.SIZE || config().dVocab() == Gpt2Vocabulary.PADDED_SIZE;
    }

    /** The files that the checkpoint is read from: configuration, weights, tokenizer. */
    public List<CheckpointFile> files() {
        List<String> names = new ArrayList<>(model.files());
        if (model.tokenizer() == null) {
            boolean own = storedTokenizer().isPresent();
            names.addAll(
                    own
                            ? TokenizerFiles.in(folder)
                            : usesGpt2Vocabulary()
                                    ? TokenizerFiles.besideVocabularyIn(folder).toList()
                                    : List.of());
        }
        return names.stream().map(file -> new CheckpointFile(folder, file)).toList();
    }

    /** The model card, the folder's {@code README.md}, in Markdown; empty if there is none. */
    public String modelCard() {
        return folder.has(MODEL_CARD) ? new String(folder.read(MODEL_CARD, MODEL_CARD_LIMIT), UTF_8) : "";
    }

    /** Unmaps the files; {@link #tensors} can no longer be read. The weights of {@link #weights} remain valid. */
    @Override
    public synchronized void close() {
        if (arena.scope().isAlive()) {
            arena.close();
        }
    }

    @Override
    public String toString() {
        return name + " " + config();
    }
}
