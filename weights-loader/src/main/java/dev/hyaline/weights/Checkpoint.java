package dev.hyaline.weights;

import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.engine.BadInputException;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.weights.hub.Snapshot;
import dev.hyaline.weights.internal.CheckpointTensors;
import dev.hyaline.weights.internal.ConfigFile;
import dev.hyaline.weights.internal.DiskFolder;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.ResourceFolder;
import dev.hyaline.weights.internal.WeightFiles;
import dev.hyaline.weights.internal.tokens.Gpt2Vocabulary;
import dev.hyaline.weights.internal.tokens.TokenizerFiles;
import java.lang.foreign.Arena;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Set;
import java.util.function.Function;

/**
 * A GPT-2 in Hugging Face's layout, on disk or built in: {@code config.json}, {@code model.safetensors} or its shards,
 * and perhaps a tokenizer.
 *
 * <p>Opening checks everything but the parameters' values: the configuration, the header of each file against the file,
 * and that the tensors are those which the configuration asks for. The files stay mapped into memory until the
 * checkpoint is closed. Safe to use from several threads.
 */
public final class Checkpoint implements AutoCloseable {
    private static final String MODEL_CARD = "README.md";
    private static final int MODEL_CARD_LIMIT = 1 << 24;
    private static final List<String> BUILT_IN = List.of("fable");

    private final String name;
    private final Folder folder;
    private final ConfigFile config;
    private final List<String> weightFiles;
    private final CheckpointTensors tensors;
    private final Arena arena;

    private Checkpoint(
            String name,
            Folder folder,
            ConfigFile config,
            List<String> weightFiles,
            CheckpointTensors tensors,
            Arena arena) {
        this.name = name;
        this.folder = folder;
        this.config = config;
        this.weightFiles = weightFiles;
        this.tensors = tensors;
        this.arena = arena;
    }

    /**
     * Opens a checkpoint on disk.
     *
     * @param directoryOrFile a folder, or a {@code .safetensors} file (or the index of its shards) in one
     * @throws BadCheckpointException if it does not hold a GPT-2, naming the file and the tensor or key
     */
    public static Checkpoint open(Path directoryOrFile) {
        Path path = directoryOrFile.toAbsolutePath().normalize();
        if (Files.isDirectory(path)) {
            Folder folder = new DiskFolder(path);
            return open(nameOf(path), folder, arena -> WeightFiles.find(folder, arena));
        }
        String file = nameOf(path);
        if (!Files.isRegularFile(path) || !(file.endsWith(".safetensors") || file.endsWith(WeightFiles.INDEX_SUFFIX))) {
            throw BadCheckpointException.file(
                    directoryOrFile,
                    "a folder with a Hugging Face checkpoint, or a .safetensors file in one",
                    Files.exists(path) ? "another file" : "nothing there");
        }
        Path directory = path.getParent();
        Folder folder = new DiskFolder(directory);
        return open(nameOf(directory), folder, arena -> WeightFiles.open(folder, file, arena));
    }

    /**
     * Opens a snapshot of a repository of the Hugging Face hub, under the repository's name.
     *
     * @throws BadCheckpointException if it does not hold a GPT-2, naming the file and the tensor or key
     */
    public static Checkpoint open(Snapshot snapshot) {
        Folder folder = new DiskFolder(snapshot.folder());
        return open(snapshot.repository(), folder, arena -> WeightFiles.find(folder, arena));
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
        return open(name, folder, arena -> WeightFiles.find(folder, arena));
    }

    /** The models that come with this library. */
    public static List<String> builtInNames() {
        return BUILT_IN;
    }

    private static Checkpoint open(String name, Folder folder, Function<Arena, WeightFiles> weights) {
        ConfigFile config = ConfigFile.read(folder);
        Arena arena = Arena.ofShared();
        try {
            WeightFiles files = weights.apply(arena);
            CheckpointTensors tensors = CheckpointTensors.of(config.config(), files, arena.scope());
            return new Checkpoint(name, folder, config, files.names(), tensors, arena);
        } catch (Throwable e) {
            arena.close();
            throw e;
        }
    }

    private static String nameOf(Path path) {
        Path last = path.getFileName();
        return last == null ? path.toString() : last.toString();
    }

    /** Name of the built-in model, of the hub's repository, or of the folder. */
    public String name() {
        return name;
    }

    public Gpt2Config config() {
        return config.config();
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
     * The parameters as stored, widened as they are read, for whoever needs one tensor and not a model. Readable until
     * the checkpoint is closed.
     */
    public TensorSource tensors() {
        return tensors;
    }

    /** The types the parameters are stored in; one, in most checkpoints. */
    public Set<StorageDtype> storageDtypes() {
        return tensors.dtypes();
    }

    /** Whether {@link #tokenizer} has something to read. */
    public boolean hasTokenizer() {
        return !TokenizerFiles.in(folder).isEmpty() || usesGpt2Vocabulary();
    }

    /**
     * Reads the tokenizer, anew at each call: {@code tokenizer.json}, else {@code vocab.json} and {@code merges.txt},
     * else GPT-2's own if the model has its 50,257 tokens.
     *
     * @throws BadCheckpointException if there is none, or a file is broken or asks for what is not supported
     */
    public Tokenizer tokenizer() {
        if (!TokenizerFiles.in(folder).isEmpty()) {
            return TokenizerFiles.read(folder, config.endOfText());
        }
        if (usesGpt2Vocabulary()) {
            return Tokenizer.gpt2();
        }
        throw BadCheckpointException.file(
                folder.label(""), "a tokenizer (tokenizer.json, or vocab.json and merges.txt)", "none");
    }

    private boolean usesGpt2Vocabulary() {
        return config().dVocab() == Gpt2Vocabulary.SIZE;
    }

    /** The files all this is read from: configuration, weights, tokenizer. */
    public List<CheckpointFile> files() {
        List<String> names = new ArrayList<>(List.of(ConfigFile.NAME));
        names.addAll(weightFiles);
        names.addAll(TokenizerFiles.in(folder));
        return names.stream().map(file -> new CheckpointFile(folder, file)).toList();
    }

    /** The model card, the folder's {@code README.md}, in Markdown; empty if there is none. */
    public String modelCard() {
        return folder.has(MODEL_CARD) ? new String(folder.read(MODEL_CARD, MODEL_CARD_LIMIT), UTF_8) : "";
    }

    /** Unmaps the files; {@link #tensors} can no longer be read. What {@link #weights} has packed remains. */
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
