package dev.hyaline.benchmarks;

import dev.hyaline.engine.config.ActivationFunction;
import dev.hyaline.engine.internal.kernel.HeadBlocks;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Param;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.Warmup;

/** Single kernels on one thread, scalar and vector, at GPT-2 small's sizes. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.AverageTime)
@OutputTimeUnit(TimeUnit.MICROSECONDS)
@Warmup(iterations = 3, time = 1)
@Measurement(iterations = 3, time = 1)
@Fork(value = 1, jvmArgsAppend = "--add-modules=jdk.incubator.vector")
public class KernelBenchmark {
    private static final int D = 768;
    private static final int MLP = 3072;
    private static final int ROWS = 192;
    private static final int D_HEAD = 64;
    private static final int QUERIES = 16;

    @Param({"scalar", "vector"})
    String provider;

    private Kernels kernels;
    private PackedMatrix w;
    private float[] in;
    private InputRows rows;
    private float[] out;
    private Rows product;
    private Rows scores;
    private Rows queries;
    private Rows z;
    /** Keys, or values, of 512 positions. */
    private HeadBlocks head;

    private final Scratch scratch = new Scratch();

    @Setup
    public void load() {
        System.setProperty(KernelProvider.PROPERTY, provider);
        kernels = KernelProvider.provide().kernels();
        w = PackedMatrix.zeros(D, MLP, false);
        float[] row = new float[MLP];
        Arrays.fill(row, 0.01f);
        for (int k = 0; k < D; k++) {
            w.setRow(k, row, 0);
        }
        in = new float[ROWS * MLP];
        Arrays.fill(in, 0.5f);
        rows = new InputRows();
        rows.set(in, 0, D, D, ROWS, kernels.rowsTogether());
        rows.reserve();
        kernels.interleave(rows, 0, rows.groups());
        out = new float[ROWS * MLP];
        product = new Rows(out, 0, MLP);
        scores = new Rows(out, 0, 512);
        queries = new Rows(in, 0, D);
        z = new Rows(out, QUERIES * 512, D);
        float[][] blocks = new float[512 / Kernels.KEYS_PER_BLOCK][D_HEAD * Kernels.KEYS_PER_BLOCK];
        for (float[] block : blocks) {
            Arrays.fill(block, 0.5f);
        }
        head = new HeadBlocks(blocks, 0, D_HEAD);
    }

    /** 192 rows by [768, 3072]: 906 million floating-point operations. */
    @Benchmark
    public float[] product() {
        kernels.product(product, rows, w, 0, ROWS, 0, w.panels(), scratch);
        return out;
    }

    /** One row by [768, 3072]: 9.4 MB of weights. */
    @Benchmark
    public float[] decodeProduct() {
        kernels.product(product, rows, w, 0, 1, 0, w.panels(), scratch);
        return out;
    }

    /** Scores, softmax and values of 16 queries of one head with 512 keys. */
    @Benchmark
    public float[] attention() {
        kernels.scores(scores, queries, QUERIES, head, 512 / Kernels.KEYS_PER_BLOCK, 0.125f);
        for (int query = 0; query < QUERIES; query++) {
            kernels.softmax(out, query * 512, 512);
        }
        kernels.weigh(z, scores, QUERIES, head, 0, 512);
        return out;
    }

    /** 192 rows of 768. */
    @Benchmark
    public float[] layerNorm() {
        for (int row = 0; row < ROWS; row++) {
            float scale = kernels.center(out, row * D, in, row * D, D, 1e-5f);
            kernels.divide(out, row * D, D, scale);
            kernels.affine(out, row * D, out, row * D, in, in, D);
        }
        return out;
    }

    /** 192 rows of 3072. */
    @Benchmark
    public float[] gelu() {
        kernels.activate(out, 0, ROWS * MLP, ActivationFunction.GELU_NEW);
        return out;
    }
}
