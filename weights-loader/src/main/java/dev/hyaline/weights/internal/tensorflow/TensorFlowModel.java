package dev.hyaline.weights.internal.tensorflow;

import static java.nio.charset.StandardCharsets.ISO_8859_1;
import static java.nio.charset.StandardCharsets.UTF_8;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.ConfigKeys;
import dev.hyaline.files.Dtype;
import dev.hyaline.files.Json;
import dev.hyaline.files.Printable;
import dev.hyaline.weights.internal.ByteCursor;
import dev.hyaline.weights.internal.Folder;
import dev.hyaline.weights.internal.MappedFile;
import dev.hyaline.weights.internal.ModelTensors;
import dev.hyaline.weights.internal.OpenedModel;
import dev.hyaline.weights.internal.Parameter;
import dev.hyaline.weights.internal.TensorView;
import dev.hyaline.weights.internal.tokens.ModelTokens;
import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.TreeMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A checkpoint of the original release, or of training that began from it: TensorFlow's index and data files,
 * {@code hparams.json} beside them. Each tensor's checksum is checked when it is opened.
 *
 * @see <a href="https://github.com/openai/gpt-2/blob/master/src/model.py">the variables, in model.py</a>
 */
public final class TensorFlowModel {
    private static final String HPARAMS = "hparams.json";
    private static final String LATEST = "checkpoint";
    private static final String INDEX_SUFFIX = ".index";
    private static final int LIMIT = 1 << 20;
    private static final float EPS = 1e-5f;
    private static final int MAX_SHARDS = 99_999;

    private static final Pattern LATEST_PATH =
            Pattern.compile("(?m)^[ \\t]*model_checkpoint_path[ \\t]*:[ \\t]*([\"'])([^\"'\\r\\n]*)\\1");
    /** A byte in text of protocol buffers, which spells so what is not ASCII. */
    private static final Pattern OCTAL = Pattern.compile("\\\\([0-3][0-7]{2})");

    private static final Pattern VARIABLE = Pattern.compile(
            "model/(?:h(0|[1-9]\\d{0,5})/(ln_1|ln_2|attn/c_attn|attn/c_proj|mlp/c_fc|mlp/c_proj)|(ln_f))/([gbw])");
    private static final Map<String, String> EMBEDDINGS = Map.of("model/wte", "wte.weight", "model/wpe", "wpe.weight");

    private final Folder folder;
    private final Arena arena;
    private final MappedFile index;
    private final String prefix;
    private final Map<Long, MappedFile> shards = new TreeMap<>();
    /** The bytes of each shard that tensors have named so far. */
    private final Map<Long, Long> shardBytes = new TreeMap<>();

    private final Map<String, Parameter> tensors = new LinkedHashMap<>();
    private long shardCount;

    private TensorFlowModel(Folder folder, String name, Arena arena) {
        this.folder = folder;
        this.arena = arena;
        this.index = MappedFile.open(folder, name, arena);
        this.prefix = name.endsWith(INDEX_SUFFIX) ? name.substring(0, name.length() - INDEX_SUFFIX.length()) : name;
    }

    /**
     * The index of the checkpoint that a folder's file {@code checkpoint} calls its latest, if there is such a file.
     *
     * @throws BadCheckpointException if that index is missing: another one would be an older model
     */
    public static Optional<String> latest(Folder folder) {
        if (!folder.has(LATEST) || !folder.has(HPARAMS)) {
            return Optional.empty();
        }
        Matcher path = LATEST_PATH.matcher(new String(folder.read(LATEST, LIMIT), ISO_8859_1));
        if (!path.find()) {
            return Optional.empty();
        }
        String name = nameIn(path.group(2));
        Optional<String> index = indexOf(folder, name);
        if (index.isEmpty()) {
            throw BadCheckpointException.file(
                    folder.label(LATEST),
                    "the name of a checkpoint in this folder",
                    Printable.plain(name) + ", without " + Printable.plain(name + INDEX_SUFFIX)
                            + ": name the one to open");
        }
        return index;
    }

    /** The last name of a path that is a literal of protocol buffers, of bytes as ISO 8859-1. */
    private static String nameIn(String literal) {
        String path = OCTAL.matcher(literal)
                .replaceAll(octal ->
                        Matcher.quoteReplacement(Character.toString(Integer.parseInt(octal.group(1), Byte.SIZE))));
        String name = path.substring(Math.max(path.lastIndexOf('/'), path.lastIndexOf('\\')) + 1);
        return new String(name.getBytes(ISO_8859_1), UTF_8);
    }

    /** The index of a checkpoint by the name that TensorFlow gives it, such as {@code model.ckpt}. */
    public static Optional<String> indexOf(Folder folder, String checkpoint) {
        return Optional.of(checkpoint + INDEX_SUFFIX).filter(folder::has);
    }

    /** Opens a checkpoint by its index. */
    public static OpenedModel open(Folder folder, String name, Arena arena) {
        TensorFlowModel model = new TensorFlowModel(folder, name, arena);
        model.readIndex();
        ModelTensors tensors = ModelTensors.of(
                model.index.label(),
                model.tensors,
                TensorFlowModel::spelled,
                model.index.size()
                        + model.shards.values().stream()
                                .mapToLong(MappedFile::size)
                                .sum());
        List<String> files = new ArrayList<>(List.of(HPARAMS, name));
        model.shards.keySet().forEach(shard -> files.add(model.shardName(shard)));
        return OpenedModel.of(config(folder, tensors), ModelTokens.UNKNOWN, files, tensors);
    }

    private static Gpt2Config config(Folder folder, ModelTensors tensors) {
        Json json = folder.readObject(HPARAMS, LIMIT);
        int width = size(json, ConfigKeys.WIDTH);
        try {
            return new Gpt2Config(
                    size(json, ConfigKeys.LAYERS),
                    size(json, ConfigKeys.HEADS),
                    width,
                    (int) Math.min(4L * width, Integer.MAX_VALUE),
                    size(json, "n_ctx"),
                    size(json, "n_vocab"),
                    EPS,
                    ActivationFunction.GELU_NEW,
                    true,
                    false,
                    tensors.tied());
        } catch (BadInputException e) {
            throw BadCheckpointException.file(
                    folder.label(HPARAMS), "a GPT-2's hyperparameters", "ones where " + e.getMessage(), e);
        }
    }

    private static int size(Json json, String key) {
        return json.require(key).integer(1, Integer.MAX_VALUE);
    }

    private void readIndex() {
        Map<String, byte[]> entries = SortedTable.read(
                index, name -> name.isEmpty() || translated(name).isPresent());
        byte[] header = entries.remove("");
        if (header == null) {
            throw index.bad("the index of a TensorFlow checkpoint", "a table without its header");
        }
        shardCount = BundleEntry.shards(index, header);
        if (shardCount < 1 || shardCount > MAX_SHARDS) {
            throw index.bad("1 to " + MAX_SHARDS + " data files", Long.toUnsignedString(shardCount));
        }
        entries.forEach((name, entry) -> {
            // An optimizer's values are named after their variable; they and the rest of a training run are not the
            // model.
            Optional<String> translated = translated(name);
            if (translated.isPresent()) {
                tensors.put(translated.get(), tensor(name, BundleEntry.read(index, entry)));
            }
        });
    }

    private TensorView tensor(String name, BundleEntry entry) {
        Dtype dtype = switch (entry.type()) {
            case 1 -> Dtype.F32;
            case 14 -> Dtype.BF16;
            case 19 -> Dtype.F16;
            default -> throw bad(name, "float, half or bfloat16", "TensorFlow's type " + entry.type());
        };
        // The kernel of a convolution of width 1 is [1, in, out].
        boolean kernel = name.endsWith("/w");
        List<Long> shape = entry.shape();
        if (kernel && (shape.size() != 3 || shape.getFirst() != 1)) {
            throw bad(name, "[1, in, out]", Printable.plain(shape.toString()));
        }
        MappedFile shard = shard(entry.shard());
        MemorySegment bytes =
                new ByteCursor(shard.label(), shard.bytes()).at(entry.offset()).slice(entry.bytes());
        long elements = elements(name, shape);
        if (elements * (dtype.bits() / Byte.SIZE) != entry.bytes()) {
            throw bad(name, elements * (dtype.bits() / Byte.SIZE) + " bytes", entry.bytes() + " bytes");
        }
        // Tensors must not overlap: otherwise a small file could have the same bytes read many times.
        if (shardBytes.merge(entry.shard(), entry.bytes(), Long::sum) > shard.size()) {
            throw bad(name, "tensors that are together at most the " + shard.size() + " bytes of their file", "more");
        }
        if (MaskedCrc.of(bytes) != entry.checksum()) {
            throw BadCheckpointException.tensor(
                    shard.label(), Printable.plain(name), "values that agree with their checksum", "others");
        }
        if (bytes.isMapped()) {
            bytes.unload(); // To check it brought all of it into memory.
        }
        return TensorView.dense(index.label(), name, dtype, kernel ? shape.subList(1, shape.size()) : shape, bytes);
    }

    private long elements(String name, List<Long> shape) {
        long elements = 1;
        for (long size : shape) {
            if (size < 0 || (elements > 0 && size > Long.MAX_VALUE / Long.SIZE / elements)) {
                throw bad(name, "a shape whose size fits 63 bits", Printable.plain(shape.toString()));
            }
            elements *= size;
        }
        return elements;
    }

    private MappedFile shard(long number) {
        if (number < 0 || number >= shardCount) {
            throw index.bad("data files 0 to " + (shardCount - 1), Long.toUnsignedString(number));
        }
        return shards.computeIfAbsent(number, key -> MappedFile.open(folder, shardName(key), arena));
    }

    private String shardName(long shard) {
        return String.format(Locale.ROOT, "%s.data-%05d-of-%05d", prefix, shard, shardCount);
    }

    private static Optional<String> translated(String name) {
        if (EMBEDDINGS.containsKey(name)) {
            return Optional.of(EMBEDDINGS.get(name));
        }
        Matcher variable = VARIABLE.matcher(name);
        if (!variable.matches()) {
            return Optional.empty();
        }
        String part = variable.group(1) == null
                ? variable.group(3)
                : "h." + variable.group(1) + "." + variable.group(2).replace('/', '.');
        return Optional.of(part + (variable.group(4).equals("b") ? ".bias" : ".weight"));
    }

    /** TensorFlow's name of one of GPT-2's tensors. */
    private static String spelled(String name) {
        String path = "model/" + name.replaceFirst("^h\\.", "h").replace('.', '/');
        if (name.matches("w[tp]e\\.weight")) {
            return path.replace("/weight", "");
        }
        return path.replace("/bias", "/b").replace("/weight", name.contains("ln_") ? "/g" : "/w");
    }

    private BadCheckpointException bad(String tensor, String expected, String found) {
        return BadCheckpointException.tensor(index.label(), Printable.plain(tensor), expected, found);
    }
}
