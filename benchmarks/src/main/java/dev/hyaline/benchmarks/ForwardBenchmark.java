package dev.hyaline.benchmarks;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.Random;
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
import org.openjdk.jmh.annotations.TearDown;
import org.openjdk.jmh.annotations.Warmup;

/** A whole pass of GPT-2 small's shape over one prompt, all logits. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 3, time = 5)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g", "-XX:+UseSerialGC"})
public class ForwardBenchmark {
    @Param({"16", "128", "512", "1024"})
    int tokens;

    private Gpt2 model;
    private ForwardRequest request;
    private float[] logits;

    @Setup
    public void load() {
        Gpt2Config config = Gpt2Config.gpt2Small();
        model = Gpt2.of(Gpt2Weights.random(config, 1));
        request =
                ForwardRequest.of(new Random(1).ints(tokens, 0, config.dVocab()).toArray());
        logits = new float[tokens * config.dVocab()];
    }

    @TearDown
    public void close() {
        model.close();
    }

    @Benchmark
    public ForwardResult forward() {
        return model.forward(request, logits);
    }
}
