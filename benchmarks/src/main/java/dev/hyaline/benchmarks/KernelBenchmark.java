package dev.hyaline.benchmarks;

import dev.hyaline.engine.ActivationFunction;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
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

    @Param({"scalar", "vector"})
    String provider;

    private Kernels kernels;
    private PackedMatrix w;
    private float[] in;
    private InputRows rows;
    private float[] out;
    /** Keys, or values, of 512 positions. */
    private float[][] blocks;

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
        rows.set(in, 0, D, D, ROWS);
        rows.reserve();
        kernels.interleave(rows, 0, rows.groups());
        out = new float[ROWS * MLP];
        blocks = new float[512 / Kernels.LANES][D_HEAD * Kernels.LANES];
        for (float[] block : blocks) {
            Arrays.fill(block, 0.5f);
        }
    }

    /** 192 rows by [768, 3072]: 906 million floating-point operations. */
    @Benchmark
    public float[] product() {
        kernels.product(out, 0, MLP, rows, w, 0, ROWS, 0, w.panels());
        return out;
    }

    /** One row by [768, 3072]: 9.4 MB of weights. */
    @Benchmark
    public float[] decodeProduct() {
        kernels.product(out, 0, MLP, rows, w, 0, 1, 0, w.panels());
        return out;
    }

    /** Scores, softmax and values of 16 queries of one head with 512 keys. */
    @Benchmark
    public float[] attention() {
        kernels.scores(out, 0, 512, in, 0, D, Kernels.LANES, blocks, blocks.length, 0, D_HEAD, 0.125f);
        for (int query = 0; query < Kernels.LANES; query++) {
            kernels.softmax(out, query * 512, 512);
        }
        kernels.weigh(out, Kernels.LANES * 512, D, out, 0, 512, Kernels.LANES, blocks, 0, 0, 512, D_HEAD);
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
