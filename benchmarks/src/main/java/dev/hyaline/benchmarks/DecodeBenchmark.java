package dev.hyaline.benchmarks;

import dev.hyaline.engine.Decoder;
import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Gpt2Weights;
import dev.hyaline.engine.KvCache;
import dev.hyaline.engine.LogitSelection;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import java.util.stream.IntStream;
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

/**
 * One step of decoding with GPT-2 small's shape: the next token's logits for each of some sequences, after 64 positions
 * and more.
 */
@State(Scope.Benchmark)
@BenchmarkMode(Mode.SampleTime)
@OutputTimeUnit(TimeUnit.MILLISECONDS)
@Warmup(iterations = 2, time = 3)
@Measurement(iterations = 3, time = 3)
@Fork(
        value = 1,
        jvmArgsAppend = {"--add-modules=jdk.incubator.vector", "-Xmx4g", "-XX:+UseSerialGC"})
public class DecodeBenchmark {
    private static final int PAST = 64;

    @Param({"1", "8"})
    int sequences;

    private Gpt2 model;
    private KvCache past;
    private Decoder decoder;
    private int[] tokens;
    private int left;

    @Setup
    public void load() {
        Gpt2Config config = Gpt2Config.gpt2Small();
        model = Gpt2.of(Gpt2Weights.random(config, 1));
        past = model.newCache();
        model.forward(ForwardRequest.of(Sequence.append(past, new int[PAST])).logits(LogitSelection.none()));
        tokens = IntStream.range(0, sequences).toArray();
        rewind();
    }

    /**
     * With all the room that the model's positions need, so that until they have been used up what a step allocates is
     * the step's own.
     */
    private void rewind() {
        int positions = model.config().nCtx();
        List<KvCache> caches = new ArrayList<>();
        for (int i = 0; i < sequences; i++) {
            KvCache cache = past.fork(PAST);
            cache.reserve(positions);
            caches.add(cache);
        }
        decoder = Decoder.of(model, caches);
        left = positions - PAST;
    }

    @TearDown
    public void close() {
        model.close();
    }

    @Benchmark
    public float[] step() {
        if (left-- == 0) {
            rewind();
        }
        return decoder.step(tokens);
    }
}
