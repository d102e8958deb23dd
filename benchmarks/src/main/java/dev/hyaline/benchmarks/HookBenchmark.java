package dev.hyaline.benchmarks;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.site.Activation;
import dev.hyaline.engine.site.HookPoint;
import dev.hyaline.engine.site.Probe;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import java.util.Random;
import java.util.concurrent.TimeUnit;
import org.openjdk.jmh.annotations.Benchmark;
import org.openjdk.jmh.annotations.BenchmarkMode;
import org.openjdk.jmh.annotations.Fork;
import org.openjdk.jmh.annotations.Measurement;
import org.openjdk.jmh.annotations.Mode;
import org.openjdk.jmh.annotations.OutputTimeUnit;
import org.openjdk.jmh.annotations.Scope;
import org.openjdk.jmh.annotations.Setup;
import org.openjdk.jmh.annotations.State;
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/**
 * What watching costs: GPT-2 small's shape over 128 tokens, unwatched, with a probe that counts at every residual, and
 * with every site copied.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 3, time = 5)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g", "-XX:+UseSerialGC"})
public class HookBenchmark {
    private static final int TOKENS = 128;

    private Gpt2 model;
    private int[] tokens;
    private Probe counting;
    private Prompts prompts;
    private Capture everything;

    /** Counts what it sees at the residual stream. */
    private static final class Counting implements Probe {
        private long rows;

        @Override
        public boolean wants(HookPoint point) {
            return point.name().contains("hook_resid");
        }

        @Override
        public void at(HookPoint point, Activation activation) {
            rows += activation.rows();
        }

        @Override
        public String toString() {
            return rows + " rows seen";
        }
    }

    @Setup
    public void load() {
        Gpt2Config config = Gpt2Config.gpt2Small();
        model = Gpt2.of(Gpt2Weights.random(config, 1));
        tokens = new Random(1).ints(TOKENS, 0, config.dVocab()).toArray();
        counting = new Counting();
        prompts = Prompts.of(config, tokens);
        everything = Capture.of(config, "all");
    }

    @TearDown
    public void close() {
        model.close();
    }

    @Benchmark
    public ForwardResult none() {
        return model.forward(ForwardRequest.of(tokens));
    }

    @Benchmark
    public ForwardResult counting() {
        return model.forward(ForwardRequest.of(tokens).probe(counting));
    }

    @Benchmark
    public ActivationCache everything() {
        return ActivationCache.record(model, prompts, everything);
    }
}
