package dev.hyaline.engine;

import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.error.BadCheckpointException;
import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.engine.error.HyalineException;
import dev.hyaline.engine.internal.backward.TransposedWeights;
import dev.hyaline.engine.internal.forward.PackedWeights;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.SpareMatrices;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.SplittableRandom;
import java.util.function.Function;
import java.util.stream.Collectors;

/**
 * The parameters of a GPT-2, packed once into the layout its kernels read. Immutable and thread-safe. As a source it
 * gives back what it was loaded from, so that changed weights can be made from it.
 */
public final class Gpt2Weights implements TensorSource {
    /**
     * A bias of the logits, {@code [dVocab]}, which no checkpoint has but weights with their LayerNorms folded need.
     */
    public static final String UNEMBEDDING_BIAS = "lm_head.bias";

    /** Values read at a time by one thread while packing. */
    private static final int CHUNK = 1 << 17;

    private final Gpt2Config config;
    private final PackedWeights packed;
    private final TransposedWeights transposed;
    private final List<String> processing;
    private volatile boolean givenAway;

    private Gpt2Weights(
            Gpt2Config config, PackedWeights packed, TransposedWeights transposed, List<String> processing) {
        this.config = config;
        this.packed = packed;
        this.transposed = transposed;
        this.processing = List.copyOf(processing);
    }

    /**
     * Every tensor that a checkpoint of this configuration must hold, in Hugging Face's names without the
     * {@code transformer.} prefix.
     */
    public static List<TensorSpec> tensors(Gpt2Config config) {
        int d = config.dModel();
        List<TensorSpec> all = new ArrayList<>();
        all.add(TensorSpec.of("wte.weight", config.dVocab(), d));
        all.add(TensorSpec.of("wpe.weight", config.nCtx(), d));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            String h = "h." + layer;
            all.add(TensorSpec.of(h + ".ln_1.weight", d));
            all.add(TensorSpec.of(h + ".ln_1.bias", d));
            all.add(TensorSpec.of(h + ".attn.c_attn.weight", d, 3 * d));
            all.add(TensorSpec.of(h + ".attn.c_attn.bias", 3 * d));
            all.add(TensorSpec.of(h + ".attn.c_proj.weight", d, d));
            all.add(TensorSpec.of(h + ".attn.c_proj.bias", d));
            all.add(TensorSpec.of(h + ".ln_2.weight", d));
            all.add(TensorSpec.of(h + ".ln_2.bias", d));
            all.add(TensorSpec.of(h + ".mlp.c_fc.weight", d, config.dMlp()));
            all.add(TensorSpec.of(h + ".mlp.c_fc.bias", config.dMlp()));
            all.add(TensorSpec.of(h + ".mlp.c_proj.weight", config.dMlp(), d));
            all.add(TensorSpec.of(h + ".mlp.c_proj.bias", d));
        }
        all.add(TensorSpec.of("ln_f.weight", d));
        all.add(TensorSpec.of("ln_f.bias", d));
        if (!config.tieWordEmbeddings()) {
            all.add(TensorSpec.of("lm_head.weight", config.dVocab(), d));
        }
        return List.copyOf(all);
    }

    /**
     * Reads and packs every tensor, on all processors.
     *
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     */
    public static Gpt2Weights load(Gpt2Config config, TensorSource source) {
        Packer packer = new Packer(config, source);
        PackedWeights packed = packer.pack(SpareMatrices.none());
        return new Gpt2Weights(config, packed, new TransposedWeights(packed), source.processing());
    }

    /**
     * As {@link #load(Gpt2Config, TensorSource)}, into the arrays of other weights, which are given away by this: they
     * cannot be used again, and models of them must be closed. Spares the allocation where weights change all the time.
     *
     * @param former of the same configuration
     * @throws BadInputException if {@code former} is of another configuration, or was given away before
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     */
    public static Gpt2Weights load(Gpt2Config config, TensorSource source, Gpt2Weights former) {
        if (!former.config.equals(config)) {
            throw new BadInputException(
                    "weights of " + config + " do not fit into the arrays of weights of " + former.config);
        }
        SpareMatrices spare = former.packed().spare();
        SpareMatrices spareTransposed = former.transposed().spare();
        former.givenAway = true;
        PackedWeights packed = new Packer(config, source).pack(spare);
        return new Gpt2Weights(config, packed, new TransposedWeights(packed, spareTransposed), source.processing());
    }

    /**
     * Reads every tensor as {@link #load} does and keeps none, so that weights larger than the memory can be checked.
     *
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     */
    public static void check(Gpt2Config config, TensorSource source) {
        new Packer(config, source).check();
    }

    /**
     * Random parameters as GPT-2 is initialised: normal with deviation 0.02, projections into the residual scaled by
     * its depth, biases zero.
     */
    public static Gpt2Weights random(Gpt2Config config, long seed) {
        return load(config, new RandomSource(config, seed));
    }

    /** Bytes that the weights of a source will take in memory once packed. */
    public static long bytes(Gpt2Config config, TensorSource source) {
        long bytes = 0;
        for (TensorSpec tensor : tensors(config)) {
            boolean bfloat16 = source.isBfloat16(tensor);
            if (tensor.shape().size() == 1 || tensor.name().equals("wpe.weight")) {
                bytes += Float.BYTES * tensor.elements();
            } else if (tensor.name().endsWith("c_attn.weight")) {
                bytes += 3 * PackedMatrix.bytes(tensor.rows(), tensor.columns() / 3, bfloat16);
            } else if (tensor.name().startsWith("h.")) {
                bytes += PackedMatrix.bytes(tensor.rows(), tensor.columns(), bfloat16);
            } else {
                bytes += PackedMatrix.bytes(tensor.columns(), tensor.rows(), bfloat16);
            }
        }
        return bytes;
    }

    public Gpt2Config config() {
        return config;
    }

    /**
     * A copy of one tensor as checkpoints hold it, row-major. With tied embeddings {@code lm_head.weight} is
     * {@code wte.weight}; {@link #UNEMBEDDING_BIAS} is zero unless the weights have one.
     *
     * @param name one of {@link #tensors}
     */
    public float[] tensor(String name) {
        Stored stored = stored(name);
        float[] out = new float[stored.rows * stored.columns];
        for (int row = 0; row < stored.rows; row++) {
            stored.reader.row(row, out, row * stored.columns);
        }
        return out;
    }

    @Override
    public String name() {
        return "weights in memory";
    }

    @Override
    public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
        Stored stored = stored(tensor.name());
        for (int row = 0; row < rows; row++) {
            stored.reader.row(firstRow + row, out, offset + row * stored.columns);
        }
    }

    @Override
    public boolean hasUnembeddingBias() {
        for (float bias : packed().unembedding().bias()) {
            if (bias != 0) {
                return true;
            }
        }
        return false;
    }

    /** The weights as the forward pass reads them. */
    PackedWeights packed() {
        if (givenAway) {
            throw new BadInputException("the arrays of these weights were given to others: use those");
        }
        return packed;
    }

    /** The weights as a backward pass reads them: packed again at the first one. */
    TransposedWeights transposed() {
        return transposed;
    }

    @Override
    public List<String> processing() {
        return processing;
    }

    /** Copies a row of a tensor out. */
    private interface RowReader {
        void row(int row, float[] out, int outAt);
    }

    /** A tensor as checkpoints hold it, wherever its values are. */
    private record Stored(int rows, int columns, RowReader reader) {
        static Stored vector(float[] values, int n) {
            return new Stored(1, n, (row, out, at) -> System.arraycopy(values, 0, out, at, n));
        }

        static Stored vector(float[] values) {
            return vector(values, values.length);
        }

        static Stored transposed(PackedMatrix matrix) {
            return new Stored(matrix.n(), matrix.k(), matrix::column);
        }

        /** Matrices of equal size side by side. */
        static Stored rows(PackedMatrix... matrices) {
            int width = matrices[0].n();
            return new Stored(matrices[0].k(), matrices.length * width, (row, out, at) -> {
                for (int i = 0; i < matrices.length; i++) {
                    matrices[i].row(row, out, at + i * width);
                }
            });
        }

        static Stored biases(PackedMatrix... matrices) {
            int width = matrices[0].n();
            return new Stored(1, matrices.length * width, (row, out, at) -> {
                for (int i = 0; i < matrices.length; i++) {
                    System.arraycopy(matrices[i].bias(), 0, out, at + i * width, width);
                }
            });
        }
    }

    private Stored stored(String name) {
        return switch (name) {
            case "wte.weight" -> Stored.transposed(packed().embedding());
            case "lm_head.weight" -> Stored.transposed(packed().unembedding());
            case UNEMBEDDING_BIAS -> Stored.vector(packed().unembedding().bias(), config.dVocab());
            case "wpe.weight" ->
                new Stored(
                        config.nCtx(),
                        config.dModel(),
                        (row, out, at) -> System.arraycopy(
                                packed().positions(), row * config.dModel(), out, at, config.dModel()));
            case "ln_f.weight" -> Stored.vector(packed().finalNorm().gain());
            case "ln_f.bias" -> Stored.vector(packed().finalNorm().bias());
            default -> ofBlock(name);
        };
    }

    private Stored ofBlock(String name) {
        String[] parts = name.split("\\.", 3);
        if (parts.length < 3 || !parts[0].equals("h") || !parts[1].matches("0|[1-9]\\d{0,5}")) {
            throw noTensor(name);
        }
        int layer = Integer.parseInt(parts[1]);
        if (layer >= config.nLayers()) {
            throw noTensor(name);
        }
        PackedWeights.Block block = packed().blocks()[layer];
        return switch (parts[2]) {
            case "ln_1.weight" -> Stored.vector(block.ln1().gain());
            case "ln_1.bias" -> Stored.vector(block.ln1().bias());
            case "ln_2.weight" -> Stored.vector(block.ln2().gain());
            case "ln_2.bias" -> Stored.vector(block.ln2().bias());
            case "attn.c_attn.weight" -> Stored.rows(block.q(), block.k(), block.v());
            case "attn.c_attn.bias" -> Stored.biases(block.q(), block.k(), block.v());
            case "attn.c_proj.weight" -> Stored.rows(block.o());
            case "attn.c_proj.bias" -> Stored.biases(block.o());
            case "mlp.c_fc.weight" -> Stored.rows(block.in());
            case "mlp.c_fc.bias" -> Stored.biases(block.in());
            case "mlp.c_proj.weight" -> Stored.rows(block.out());
            case "mlp.c_proj.bias" -> Stored.biases(block.out());
            default -> throw noTensor(name);
        };
    }

    private static HyalineException noTensor(String name) {
        return new BadInputException("no tensor is called " + name);
    }

    /**
     * Reads tensors in chunks of rows and puts each where the kernels want it. Chunks are independent, so all
     * processors read and pack.
     */
    private static final class Packer {
        private final Gpt2Config config;
        private final TensorSource source;
        private final Map<String, TensorSpec> tensors;
        private final List<Runnable> chunks = new ArrayList<>();
        private SpareMatrices spare = SpareMatrices.none();

        Packer(Gpt2Config config, TensorSource source) {
            this.config = config;
            this.source = source;
            this.tensors = tensors(config).stream().collect(Collectors.toMap(TensorSpec::name, Function.identity()));
        }

        PackedWeights pack(SpareMatrices into) {
            spare = into;
            PackedMatrix embedding = embedding("wte.weight");
            float[] positions = plain("wpe.weight");
            PackedWeights.Block[] blocks = new PackedWeights.Block[config.nLayers()];
            for (int layer = 0; layer < blocks.length; layer++) {
                blocks[layer] = block("h." + layer);
            }
            PackedWeights.Norm finalNorm = norm("ln_f");
            PackedMatrix unembedding = config.tieWordEmbeddings() ? embedding : embedding("lm_head.weight");
            if (source.hasUnembeddingBias()) {
                inChunks(TensorSpec.of(UNEMBEDDING_BIAS, config.dVocab()), (row, first, count) -> {
                    System.arraycopy(row, 0, unembedding.bias(), 0, row.length);
                });
            }
            readAll();
            return new PackedWeights(embedding, positions, blocks, finalNorm, unembedding);
        }

        void check() {
            tensors.values().forEach(tensor -> inChunks(tensor, (rows, first, count) -> {}));
            if (source.hasUnembeddingBias()) {
                inChunks(TensorSpec.of(UNEMBEDDING_BIAS, config.dVocab()), (row, first, count) -> {});
            }
            readAll();
        }

        private void readAll() {
            try (WorkerPool pool =
                    new WorkerPool(Math.min(Runtime.getRuntime().availableProcessors(), WorkerPool.MAX_THREADS))) {
                pool.run(chunks.size(), (worker, index) -> chunks.get(index).run());
            }
        }

        private PackedWeights.Block block(String h) {
            PackedMatrix[] qkv = linear(h + ".attn.c_attn", 3);
            PackedMatrix o = linear(h + ".attn.c_proj", 1)[0];
            PackedMatrix[] oByHead = new PackedMatrix[config.nHeads()];
            for (int head = 0; head < oByHead.length; head++) {
                oByHead[head] = o.rows(head * config.dHead(), (head + 1) * config.dHead());
            }
            return new PackedWeights.Block(
                    norm(h + ".ln_1"),
                    qkv[0],
                    qkv[1],
                    qkv[2],
                    o,
                    oByHead,
                    norm(h + ".ln_2"),
                    linear(h + ".mlp.c_fc", 1)[0],
                    linear(h + ".mlp.c_proj", 1)[0]);
        }

        private PackedWeights.Norm norm(String name) {
            return new PackedWeights.Norm(plain(name + ".weight"), plain(name + ".bias"));
        }

        /** A weight {@code [in, out]} and its bias, split by columns over matrices of equal width. */
        private PackedMatrix[] linear(String name, int count) {
            TensorSpec weight = tensor(name + ".weight");
            int width = weight.columns() / count;
            PackedMatrix[] parts = new PackedMatrix[count];
            Arrays.setAll(parts, part -> spare.take(weight.rows(), width, source.isBfloat16(weight)));
            inChunks(weight, (rows, firstRow, rowCount) -> {
                for (int row = 0; row < rowCount; row++) {
                    for (int part = 0; part < count; part++) {
                        parts[part].setRow(firstRow + row, rows, row * weight.columns() + part * width);
                    }
                }
            });
            inChunks(tensor(name + ".bias"), (row, first, rowCount) -> {
                for (int part = 0; part < count; part++) {
                    System.arraycopy(row, part * width, parts[part].bias(), 0, width);
                }
            });
            return parts;
        }

        /** {@code [n, dModel]}, packed transposed. */
        private PackedMatrix embedding(String name) {
            TensorSpec tensor = tensor(name);
            PackedMatrix matrix = spare.take(tensor.columns(), tensor.rows(), source.isBfloat16(tensor));
            inChunks(tensor, (rows, firstRow, count) -> matrix.setColumns(firstRow, count, rows));
            return matrix;
        }

        private float[] plain(String name) {
            TensorSpec tensor = tensor(name);
            float[] out = new float[tensor.rows() * tensor.columns()];
            inChunks(tensor, (rows, firstRow, count) -> {
                System.arraycopy(rows, 0, out, firstRow * tensor.columns(), count * tensor.columns());
            });
            return out;
        }

        /** A tensor that is known to be there. */
        private TensorSpec tensor(String name) {
            return Objects.requireNonNull(tensors.get(name), name);
        }

        private interface RowsConsumer {
            void accept(float[] rows, int firstRow, int count);
        }

        private void inChunks(TensorSpec tensor, RowsConsumer consumer) {
            // Whole panels of an embedding's rows, so that no two chunks share a panel.
            int rowsAtOnce = Math.max(1, CHUNK / tensor.columns() / PackedMatrix.PANEL) * PackedMatrix.PANEL;
            for (int first = 0; first < tensor.rows(); first += rowsAtOnce) {
                int firstRow = first;
                int count = Math.min(rowsAtOnce, tensor.rows() - first);
                chunks.add(() -> {
                    float[] rows = new float[count * tensor.columns()];
                    source.read(tensor, firstRow, count, rows, 0);
                    requireFinite(tensor, firstRow, rows);
                    consumer.accept(rows, firstRow, count);
                });
            }
        }

        private void requireFinite(TensorSpec tensor, int firstRow, float[] rows) {
            int largest = 0;
            for (float value : rows) {
                largest = Math.max(largest, Float.floatToRawIntBits(value) & Integer.MAX_VALUE);
            }
            if (largest < Float.floatToRawIntBits(Float.POSITIVE_INFINITY)) {
                return;
            }
            for (int i = 0; i < rows.length; i++) {
                if (!Float.isFinite(rows[i])) {
                    throw BadCheckpointException.tensor(
                            source.name(),
                            tensor.name(),
                            "finite values",
                            rows[i] + " at row " + (firstRow + i / tensor.columns()) + ", column "
                                    + i % tensor.columns());
                }
            }
        }
    }

    /** Initial values, which depend on the tensor and the row alone, so that chunks can be read in any order. */
    private record RandomSource(Gpt2Config config, long seed) implements TensorSource {
        @Override
        public String name() {
            return "random weights";
        }

        @Override
        public void read(TensorSpec tensor, int firstRow, int rows, float[] out, int offset) {
            int columns = tensor.columns();
            boolean norm = tensor.name().contains("ln_");
            if (tensor.shape().size() == 1) {
                Arrays.fill(out, offset, offset + columns, norm && tensor.name().endsWith("weight") ? 1 : 0);
                return;
            }
            double deviation =
                    tensor.name().endsWith("c_proj.weight") ? 0.02 / Math.sqrt(2.0 * config.nLayers()) : 0.02;
            long tensorSeed = seed + tensor.name().hashCode() * 0x1234567L;
            for (int row = 0; row < rows; row++) {
                SplittableRandom random = new SplittableRandom(tensorSeed + firstRow + row);
                for (int column = 0; column < columns; column++) {
                    out[offset + row * columns + column] = (float) (deviation * random.nextGaussian());
                }
            }
        }
    }

    @Override
    public String toString() {
        return "weights of " + config + (processing.isEmpty() ? "" : ", processed: " + String.join(", ", processing));
    }
}
