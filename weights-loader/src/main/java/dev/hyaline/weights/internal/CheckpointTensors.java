package dev.hyaline.weights.internal;

import dev.hyaline.engine.BadCheckpointException;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.TensorSource;
import dev.hyaline.engine.TensorSpec;
import dev.hyaline.weights.StorageDtype;
import java.lang.foreign.MemorySegment;
import java.util.Collections;
import java.util.EnumSet;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Set;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The tensors of a GPT-2 in its safetensors files: all that the configuration asks for, in the right shapes, and
 * nothing else. Read where they lie, from as many threads as one likes.
 */
public final class CheckpointTensors implements TensorSource {
    private static final String PREFIX = "transformer.";
    private static final String EMBEDDING = "wte.weight";
    private static final String UNEMBEDDING = "lm_head.weight";

    /** The causal mask, and what masked scores are set to: constants that old files carry along. */
    private static final Pattern MASK_BUFFER = Pattern.compile("h\\.(\\d{1,9})\\.attn\\.(bias|masked_bias)");

    private final String label;
    private final Map<String, Located> tensors;
    private final MemorySegment.Scope scope;

    private CheckpointTensors(String label, Map<String, Located> tensors, MemorySegment.Scope scope) {
        this.label = label;
        this.tensors = tensors;
        this.scope = scope;
    }

    /**
     * Checks that the files hold the model that the configuration describes, without reading a parameter; a tied
     * unembedding apart.
     *
     * @param scope of the arena that the files were opened in: once it is closed, nothing is read, even from memory
     */
    public static CheckpointTensors of(Gpt2Config config, WeightFiles files, MemorySegment.Scope scope) {
        Map<String, Located> found = locate(files);
        String prefix = prefix(found);
        checkLayers(config, files.label(), prefix, found);

        Map<String, Located> wanted = new HashMap<>();
        for (TensorSpec spec : Gpt2Weights.tensors(config)) {
            wanted.put(spec.name(), take(found, spec, files.label(), prefix));
        }
        if (config.tieWordEmbeddings() && found.containsKey(UNEMBEDDING)) {
            found.remove(UNEMBEDDING).checkSameBits(wanted.get(EMBEDDING));
        }
        for (Located rest : found.values()) {
            if (!isMaskBuffer(rest, config)) {
                throw rest.bad("no tensor of that name in a GPT-2 of " + config.nLayers() + " layers", rest.shown());
            }
        }
        return new CheckpointTensors(files.label(), Map.copyOf(wanted), scope);
    }

    /** The types the parameters are stored in. */
    public Set<StorageDtype> dtypes() {
        Set<StorageDtype> dtypes = EnumSet.noneOf(StorageDtype.class);
        tensors.values().forEach(tensor -> dtypes.add(tensor.storage()));
        return Collections.unmodifiableSet(dtypes);
    }

    @Override
    public String name() {
        return label;
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        Located located = tensors.get(tensor.name());
        if (located == null) {
            throw BadCheckpointException.tensor(label, tensor.name(), "one of the model's tensors", "no such tensor");
        }
        requireOpen();
        long first = (long) firstRow * tensor.columns();
        int count = Math.multiplyExact(rows, tensor.columns());
        try {
            Widening.copy(located.storage(), located.bytes(), first, count, out, offset);
        } catch (InternalError e) {
            // How the JVM reports that pages of a mapped file are gone.
            throw BadCheckpointException.file(
                    located.file().file(), "a file that stays whole while it is open", "one cut short", e);
        }
    }

    @Override
    public boolean isBfloat16(TensorSpec tensor) {
        return tensors.get(tensor.name()).storage() == StorageDtype.BF16;
    }

    /**
     * Refuses to go on once the checkpoint is closed.
     *
     * @throws IllegalStateException if it is
     */
    public void requireOpen() {
        if (!scope.isAlive()) {
            throw new IllegalStateException(
                    label + ": the checkpoint is closed, and its parameters can be read only while it is open");
        }
    }

    /** A complaint of the engine's about one of these tensors, by the name and the file it has on disk. */
    public BadCheckpointException asStored(BadCheckpointException e) {
        return e.tensor()
                .map(tensors::get)
                .map(located -> located.bad(e.expected(), e.found()))
                .orElse(e);
    }

    /** Gives the memory of mapped pages back; they are read again from disk when they are needed. */
    public void unload() {
        for (Located located : tensors.values()) {
            if (located.bytes().isMapped()) {
                located.bytes().unload();
            }
        }
    }

    /** Every tensor of the files by its name without {@code transformer.}. */
    private static Map<String, Located> locate(WeightFiles files) {
        Map<String, Located> found = new LinkedHashMap<>();
        for (SafetensorsFile file : files.files()) {
            for (StoredTensor tensor : file.header().tensors().values()) {
                Located located = new Located(file, tensor);
                String name = tensor.name();
                String bare = name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name;
                Located other = found.putIfAbsent(bare, located);
                if (other != null) {
                    throw located.bad(
                            "one tensor of that name",
                            Shown.plain(other.tensor().name()) + " as well");
                }
            }
        }
        return found;
    }

    /** What the files put before names, and would before a name they lack. */
    private static String prefix(Map<String, Located> found) {
        boolean prefixed = found.values().stream()
                .anyMatch(located -> located.tensor().name().startsWith(PREFIX));
        return prefixed ? PREFIX : "";
    }

    /**
     * Finds the first layer without tensors before a list is made of all the layers that a stranger's configuration
     * claims.
     */
    private static void checkLayers(Gpt2Config config, String label, String prefix, Map<String, Located> found) {
        int layer = 0;
        while (layer < config.nLayers() && found.containsKey("h." + layer + ".ln_1.weight")) {
            layer++;
        }
        if (layer < config.nLayers()) {
            throw BadCheckpointException.tensor(
                    label,
                    prefix + "h." + layer + ".ln_1.weight",
                    "[" + config.dModel() + "], as n_layer is " + config.nLayers(),
                    "no such tensor");
        }
    }

    private static Located take(Map<String, Located> found, TensorSpec spec, String label, String prefix) {
        Located located = found.remove(spec.name());
        if (located == null) {
            // The unembedding is no part of what the prefix names.
            boolean unembedding = spec.name().equals(UNEMBEDDING);
            throw BadCheckpointException.tensor(
                    label,
                    (unembedding ? "" : prefix) + spec.name(),
                    spec.shape() + (unembedding ? ", as tie_word_embeddings is false" : ""),
                    "no such tensor");
        }
        List<Long> shape = spec.shape().stream().map(Integer::longValue).toList();
        if (!located.tensor().shape().equals(shape)) {
            boolean transposed = located.tensor().shape().equals(shape.reversed());
            throw located.bad(
                    shape.toString(),
                    Shown.plain(located.tensor().shape().toString())
                            + (transposed ? ", its transpose: stored as a Linear, not as a Conv1D" : ""));
        }
        if (located.tensor().dtype().storage().isEmpty()) {
            throw located.bad("F32, F16 or BF16", located.tensor().dtype().toString());
        }
        return located;
    }

    private static boolean isMaskBuffer(Located located, Gpt2Config config) {
        String name = located.tensor().name();
        Matcher buffer = MASK_BUFFER.matcher(name.startsWith(PREFIX) ? name.substring(PREFIX.length()) : name);
        if (!buffer.matches() || Integer.parseInt(buffer.group(1)) >= config.nLayers()) {
            return false;
        }
        List<Long> shape = located.tensor().shape();
        return buffer.group(2).equals("masked_bias")
                ? shape.isEmpty()
                : shape.size() == 4
                        && shape.get(0) == 1
                        && shape.get(1) == 1
                        && shape.get(2).equals(shape.get(3));
    }

    /** A tensor and the file it lies in. */
    private record Located(SafetensorsFile file, StoredTensor tensor) {
        MemorySegment bytes() {
            return file.bytes(tensor);
        }

        StorageDtype storage() {
            return tensor.dtype().storage().orElseThrow();
        }

        String shown() {
            return tensor.dtype() + " " + Shown.plain(tensor.shape().toString());
        }

        void checkSameBits(Located embedding) {
            String expected = "the same bits as " + embedding.tensor.name() + ", as tie_word_embeddings is true";
            if (tensor.dtype() != embedding.tensor.dtype() || !tensor.shape().equals(embedding.tensor.shape())) {
                throw bad(expected, shown() + " instead of " + embedding.shown());
            }
            long differs = bytes().mismatch(embedding.bytes());
            if (differs >= 0) {
                long element = differs / storage().bytes();
                long columns = tensor.shape().getLast();
                throw bad(expected, "a difference at [" + element / columns + ", " + element % columns + "]");
            }
        }

        BadCheckpointException bad(String expected, String found) {
            return BadCheckpointException.tensor(file.file(), Shown.plain(tensor.name()), expected, found);
        }
    }
}
