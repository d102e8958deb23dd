package dev.hyaline.benchmarks;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.ForwardResult;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Config;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import java.util.ArrayList;
import java.util.List;
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

/** One step of decoding with GPT-2 small's shape: the next token's logits for each of some sequences, after 64 positions. */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 5)
@Measurement(iterations = 3, time = 5)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g", "-XX:+UseSerialGC"})
public class DecodeBenchmark {
    private static final int PAST = 64;

    @Param({"1", "8"})
    int sequences;

    private Gpt2 model;
    private ForwardRequest step;

    @Setup
    public void load() {
        Gpt2Config config = Gpt2Config.gpt2Small();
        model = Gpt2.of(Gpt2Weights.random(config, 1));
        KvCache past = model.newCache();
        model.forward(ForwardRequest.of(Sequence.append(past, new int[PAST])).logits(LogitSelection.none()));
        List<Sequence> batch = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            batch.add(Sequence.after(past, PAST, i));
        }
        step = ForwardRequest.of(batch);
    }

    @TearDown
    public void close() {
        model.close();
    }

    @Benchmark
    public ForwardResult step() {
        return model.forward(step);
    }
}
