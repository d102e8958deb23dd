package dev.hyaline.engine;

import dev.hyaline.engine.internal.forward.Weights;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.SplittableRandom;

/**
 * The parameters of a GPT-2, packed once into the layout its kernels read. Immutable and thread-safe.
 */
public final class Gpt2Weights {
    /** Values read at a time by one thread while packing. */
    private static final int CHUNK = 1 << 17;

    private final Gpt2Config config;
    private final Weights packed;

    private Gpt2Weights(Gpt2Config config, Weights packed) {
        this.config = config;
        this.packed = packed;
    }

    /** Every tensor that a checkpoint of this configuration must hold, in Hugging Face's names without the {@code transformer.} prefix. */
    public static List<TensorSpec> tensors(Gpt2Config config) {
        Names names = new Names(config);
        List<TensorSpec> all = new ArrayList<>(List.of(names.wte(), names.wpe()));
        for (int layer = 0; layer < config.nLayers(); layer++) {
            all.addAll(List.of(
                    names.ln1Weight(layer),
                    names.ln1Bias(layer),
                    names.attnWeight(layer),
                    names.attnBias(layer),
                    names.attnProjWeight(layer),
                    names.attnProjBias(layer),
                    names.ln2Weight(layer),
                    names.ln2Bias(layer),
                    names.fcWeight(layer),
                    names.fcBias(layer),
                    names.mlpProjWeight(layer),
                    names.mlpProjBias(layer)));
        }
        all.add(names.lnFinalWeight());
        all.add(names.lnFinalBias());
        if (!config.tieWordEmbeddings()) {
            all.add(names.lmHead());
        }
        return List.copyOf(all);
    }

    /**
     * Reads and packs every tensor, on all processors.
     *
     * @throws BadCheckpointException naming the tensor that holds a value which is not finite
     */
    public static Gpt2Weights load(Gpt2Config config, TensorSource source) {
        return new Packer(config, source).pack();
    }

    /** Random parameters as GPT-2 is initialised: normal with deviation 0.02, projections into the residual scaled by its depth, biases zero. */
    public static Gpt2Weights random(Gpt2Config config, long seed) {
        return load(config, new RandomSource(config, seed));
    }

    /** Bytes that the packed weights of a configuration take in memory. */
    public static long bytes(Gpt2Config config) {
        int d = config.dModel();
        long block = 3 * PackedMatrix.bytes(d, d)
                + PackedMatrix.bytes(d, d)
                + PackedMatrix.bytes(d, config.dMlp())
                + PackedMatrix.bytes(config.dMlp(), d)
                + 16L * d;
        long embeddings = PackedMatrix.bytes(d, config.dVocab()) * (config.tieWordEmbeddings() ? 1 : 2);
        return config.nLayers() * block + embeddings + 4L * config.nCtx() * d + 8L * d;
    }

    public Gpt2Config config() {
        return config;
    }

    /**
     * A copy of one tensor as checkpoints hold it, row-major.
     *
     * @param name one of {@link #tensors}
     */
    public float[] tensor(String name) {
        Names names = new Names(config);
        if (name.equals(names.wte().name())) {
            return transposed(packed.embedding());
        }
        if (name.equals("lm_head.weight")) {
            return transposed(packed.unembedding());
        }
        if (name.equals(names.wpe().name())) {
            return packed.positions().clone();
        }
        if (name.startsWith("ln_f.")) {
            return of(packed.finalNorm(), name);
        }
        String[] parts = name.split("\\.", 3);
        if (parts.length == 3 && parts[0].equals("h") && parts[1].matches("\\d{1,6}")) {
            int layer = Integer.parseInt(parts[1]);
            if (layer < config.nLayers()) {
                return ofBlock(packed.blocks()[layer], parts[2], name);
            }
        }
        throw noTensor(name);
    }

    /** What the forward pass reads. */
    Weights packed() {
        return packed;
    }

    private float[] ofBlock(Weights.Block block, String local, String name) {
        return switch (local) {
            case "ln_1.weight", "ln_1.bias" -> of(block.ln1(), name);
            case "ln_2.weight", "ln_2.bias" -> of(block.ln2(), name);
            case "attn.c_attn.weight" -> rows(block.q(), block.k(), block.v());
            case "attn.c_attn.bias" -> biases(block.q(), block.k(), block.v());
            case "attn.c_proj.weight" -> rows(block.o());
            case "attn.c_proj.bias" -> biases(block.o());
            case "mlp.c_fc.weight" -> rows(block.in());
            case "mlp.c_fc.bias" -> biases(block.in());
            case "mlp.c_proj.weight" -> rows(block.out());
            case "mlp.c_proj.bias" -> biases(block.out());
            default -> throw noTensor(name);
        };
    }

    private static HyalineException noTensor(String name) {
        return new BadInputException("no tensor is called " + name);
    }

    private static float[] of(Weights.Norm norm, String name) {
        return (name.endsWith(".weight") ? norm.gain() : norm.bias()).clone();
    }

    private static float[] transposed(PackedMatrix matrix) {
        float[] out = new float[matrix.k() * matrix.n()];
        for (int column = 0; column < matrix.n(); column++) {
            matrix.column(column, out, column * matrix.k());
        }
        return out;
    }

    /** Matrices of equal height side by side, row-major. */
    private static float[] rows(PackedMatrix... matrices) {
        int width = 0;
        for (PackedMatrix matrix : matrices) {
            width += matrix.n();
        }
        float[] out = new float[matrices[0].k() * width];
        int at = 0;
        for (int row = 0; row < matrices[0].k(); row++) {
            for (PackedMatrix matrix : matrices) {
                matrix.row(row, out, at);
                at += matrix.n();
            }
        }
        return out;
    }

    private static float[] biases(PackedMatrix... matrices) {
        float[] out = new float[matrices.length * matrices[0].n()];
        for (int i = 0; i < matrices.length; i++) {
            System.arraycopy(matrices[i].bias(), 0, out, i * matrices[i].n(), matrices[i].n());
        }
        return out;
    }

    /** Names and shapes of the tensors. */
    private record Names(Gpt2Config config) {
        TensorSpec wte() {
            return TensorSpec.of("wte.weight", config.dVocab(), config.dModel());
        }

        TensorSpec wpe() {
            return TensorSpec.of("wpe.weight", config.nCtx(), config.dModel());
        }

        TensorSpec ln1Weight(int layer) {
            return block(layer, "ln_1.weight", config.dModel());
        }

        TensorSpec ln1Bias(int layer) {
            return block(layer, "ln_1.bias", config.dModel());
        }

        TensorSpec attnWeight(int layer) {
            return block(layer, "attn.c_attn.weight", config.dModel(), 3 * config.dModel());
        }

        TensorSpec attnBias(int layer) {
            return block(layer, "attn.c_attn.bias", 3 * config.dModel());
        }

        TensorSpec attnProjWeight(int layer) {
            return block(layer, "attn.c_proj.weight", config.dModel(), config.dModel());
        }

        TensorSpec attnProjBias(int layer) {
            return block(layer, "attn.c_proj.bias", config.dModel());
        }

        TensorSpec ln2Weight(int layer) {
            return block(layer, "ln_2.weight", config.dModel());
        }

        TensorSpec ln2Bias(int layer) {
            return block(layer, "ln_2.bias", config.dModel());
        }

        TensorSpec fcWeight(int layer) {
            return block(layer, "mlp.c_fc.weight", config.dModel(), config.dMlp());
        }

        TensorSpec fcBias(int layer) {
            return block(layer, "mlp.c_fc.bias", config.dMlp());
        }

        TensorSpec mlpProjWeight(int layer) {
            return block(layer, "mlp.c_proj.weight", config.dMlp(), config.dModel());
        }

        TensorSpec mlpProjBias(int layer) {
            return block(layer, "mlp.c_proj.bias", config.dModel());
        }

        TensorSpec lnFinalWeight() {
            return TensorSpec.of("ln_f.weight", config.dModel());
        }

        TensorSpec lnFinalBias() {
            return TensorSpec.of("ln_f.bias", config.dModel());
        }

        TensorSpec lmHead() {
            return TensorSpec.of("lm_head.weight", config.dVocab(), config.dModel());
        }

        private static TensorSpec block(int layer, String local, Integer... shape) {
            return TensorSpec.of("h." + layer + "." + local, shape);
        }
    }

    /** Reads tensors in chunks of rows and puts each where the kernels want it. Chunks are independent, so all processors read and pack. */
    private static final class Packer {
        private final Gpt2Config config;
        private final TensorSource source;
        private final Names names;
        private final List<Runnable> chunks = new ArrayList<>();

        Packer(Gpt2Config config, TensorSource source) {
            this.config = config;
            this.source = source;
            this.names = new Names(config);
        }

        Gpt2Weights pack() {
            int d = config.dModel();
            PackedMatrix embedding = embedding(names.wte());
            float[] positions = new float[config.nCtx() * d];
            plain(names.wpe(), positions);
            Weights.Block[] blocks = new Weights.Block[config.nLayers()];
            for (int layer = 0; layer < blocks.length; layer++) {
                blocks[layer] = block(layer);
            }
            Weights.Norm finalNorm = norm(names.lnFinalWeight(), names.lnFinalBias());
            PackedMatrix unembedding = config.tieWordEmbeddings() ? embedding : embedding(names.lmHead());
            try (WorkerPool pool = new WorkerPool(Runtime.getRuntime().availableProcessors())) {
                pool.run(chunks.size(), (worker, index) -> chunks.get(index).run());
            }
            return new Gpt2Weights(config, new Weights(embedding, positions, blocks, finalNorm, unembedding));
        }

        private Weights.Block block(int layer) {
            int d = config.dModel();
            PackedMatrix q = PackedMatrix.zeros(d, d);
            PackedMatrix k = PackedMatrix.zeros(d, d);
            PackedMatrix v = PackedMatrix.zeros(d, d);
            linear(names.attnWeight(layer), names.attnBias(layer), q, k, v);
            PackedMatrix o = PackedMatrix.zeros(d, d);
            linear(names.attnProjWeight(layer), names.attnProjBias(layer), o);
            PackedMatrix[] oByHead = new PackedMatrix[config.nHeads()];
            for (int head = 0; head < oByHead.length; head++) {
                oByHead[head] = o.rows(head * config.dHead(), (head + 1) * config.dHead());
            }
            PackedMatrix in = PackedMatrix.zeros(d, config.dMlp());
            linear(names.fcWeight(layer), names.fcBias(layer), in);
            PackedMatrix out = PackedMatrix.zeros(config.dMlp(), d);
            linear(names.mlpProjWeight(layer), names.mlpProjBias(layer), out);
            Weights.Norm ln1 = norm(names.ln1Weight(layer), names.ln1Bias(layer));
            Weights.Norm ln2 = norm(names.ln2Weight(layer), names.ln2Bias(layer));
            return new Weights.Block(ln1, q, k, v, o, oByHead, ln2, in, out);
        }

        private Weights.Norm norm(TensorSpec gain, TensorSpec bias) {
            Weights.Norm norm = new Weights.Norm(new float[config.dModel()], new float[config.dModel()]);
            plain(gain, norm.gain());
            plain(bias, norm.bias());
            return norm;
        }

        /** {@code [in, out]} and its bias, split by columns over matrices of equal width. */
        private void linear(TensorSpec weight, TensorSpec bias, PackedMatrix... parts) {
            int width = weight.columns() / parts.length;
            inChunks(weight, (rows, firstRow, count) -> {
                for (int row = 0; row < count; row++) {
                    for (int part = 0; part < parts.length; part++) {
                        parts[part].setRow(firstRow + row, rows, row * weight.columns() + part * width);
                    }
                }
            });
            inChunks(bias, (row, first, count) -> {
                for (int part = 0; part < parts.length; part++) {
                    System.arraycopy(row, part * width, parts[part].bias(), 0, width);
                }
            });
        }

        /** {@code [n, dModel]}, packed transposed. */
        private PackedMatrix embedding(TensorSpec tensor) {
            PackedMatrix matrix = PackedMatrix.zeros(tensor.columns(), tensor.rows());
            inChunks(tensor, (rows, firstRow, count) -> matrix.setColumns(firstRow, count, rows));
            return matrix;
        }

        private void plain(TensorSpec tensor, float[] out) {
            inChunks(
                    tensor,
                    (rows, firstRow, count) ->
                            System.arraycopy(rows, 0, out, firstRow * tensor.columns(), count * tensor.columns()));
        }

        private interface RowsConsumer {
            void accept(float[] rows, int firstRow, int count);
        }

        private void inChunks(TensorSpec tensor, RowsConsumer consumer) {
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
}
