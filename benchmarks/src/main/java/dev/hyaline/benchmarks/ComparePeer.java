package dev.hyaline.benchmarks;

import dev.hyaline.engine.ForwardRequest;
import dev.hyaline.engine.Generator;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.engine.Sequence;
import dev.hyaline.engine.config.Gpt2Config;
import dev.hyaline.engine.internal.kernel.InputRows;
import dev.hyaline.engine.internal.kernel.KernelProvider;
import dev.hyaline.engine.internal.kernel.Kernels;
import dev.hyaline.engine.internal.kernel.PackedMatrix;
import dev.hyaline.engine.internal.kernel.Rows;
import dev.hyaline.engine.internal.kernel.Scratch;
import dev.hyaline.engine.internal.parallel.WorkerPool;
import dev.hyaline.instrument.Prompts;
import dev.hyaline.instrument.capture.ActivationCache;
import dev.hyaline.instrument.capture.Capture;
import dev.hyaline.instrument.gradient.Gradients;
import dev.hyaline.instrument.gradient.Objective;
import dev.hyaline.instrument.training.ModelTraining;
import dev.hyaline.instrument.training.TrainingOptions;
import dev.hyaline.weights.Checkpoint;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.stream.IntStream;
import java.util.stream.Stream;
import org.jspecify.annotations.Nullable;

/**
 * Hyaline's side of {@code compare/compare.py}, which times the same work in Python in turn. Loads the checkpoint named
 * on the command line, then answers each line of standard input with the seconds that the work it names took, or with
 * what else it asks for.
 */
public final class ComparePeer {
    private final Gpt2 model;
    private final Gpt2Config config;
    private float[] logits = {};
    private @Nullable ModelTraining training;

    private ComparePeer(Gpt2 model) {
        this.model = model;
        this.config = model.config();
    }

    public static void main(String[] args) throws IOException {
        try (Checkpoint checkpoint = Checkpoint.open(Path.of(args[0]));
                Gpt2 model = Gpt2.of(checkpoint.weights());
                BufferedReader lines = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8))) {
            ComparePeer peer = new ComparePeer(model);
            System.out.println(model.kernels().name() + ", " + model.threads() + " threads");
            for (String line = lines.readLine(); line != null; line = lines.readLine()) {
                String[] words = line.split(" ");
                int[] numbers =
                        Arrays.stream(words).skip(1).mapToInt(Integer::parseInt).toArray();
                System.out.printf(Locale.ROOT, "%.9f%n", peer.answer(words[0], numbers));
            }
        }
    }

    private double answer(String work, int[] numbers) throws IOException {
        return switch (work) {
            case "forward" -> forward(List.of(Sequence.of(tokens(numbers[0]))));
            case "ragged" -> {
                List<Sequence> batch = Arrays.stream(numbers)
                        .mapToObj(length -> Sequence.of(tokens(length)))
                        .toList();
                yield forward(batch);
            }
            case "record" -> {
                Prompts prompts = Prompts.of(config, tokens(numbers[0]));
                Capture everything = Capture.of(config, "all");
                yield seconds(() -> ActivationCache.record(model, prompts, everything));
            }
            case "backward" -> backward(tokens(numbers[0]));
            case "train" -> train(numbers[0]);
            case "decode" -> decode(numbers[0], numbers[1]);
            case "product" -> product(numbers[0], numbers[1], numbers[2]);
            case "stream" -> stream();
            case "peak" -> peak();
            case "resident" -> resident();
            default -> throw new IllegalArgumentException("no work is called " + work);
        };
    }

    /** Seconds of a pass with all logits, which go where the last pass's went, as PyTorch's do. */
    private double forward(List<Sequence> batch) {
        ForwardRequest request = ForwardRequest.of(batch);
        int values = request.tokens() * config.dVocab();
        if (logits.length < values) {
            logits = new float[values];
        }
        return seconds(() -> model.forward(request, logits));
    }

    /** Seconds of a pass forward and back, from a difference of the last token's logits to the embedding. */
    private double backward(int[] tokens) {
        Prompts prompts = Prompts.of(config, tokens);
        Objective objective = Objective.logitDifference(prompts, new int[][] {{1}}, new int[][] {{2}});
        Capture embedding = Capture.of(config, "resid_pre0");
        return seconds(() -> Gradients.of(model, prompts, objective, embedding));
    }

    /** Seconds of a training step on one sequence. */
    private double train(int length) {
        if (training == null) {
            training = ModelTraining.of(
                    model.weights(),
                    tokens(4 * length),
                    TrainingOptions.of(1000).batches(1, length),
                    model.threads());
        }
        ModelTraining begun = training;
        return seconds(begun::next);
    }

    /** Seconds a step of {@code sequences} texts that are continued together, after prompts of 16 tokens. */
    private double decode(int sequences, int steps) {
        List<int[]> prompts = new ArrayList<>();
        for (int s = 0; s < sequences; s++) {
            prompts.add(tokens(16));
        }
        Generator generator = Generator.of(model).maxNewTokens(steps + 1);
        // The clock starts with the first token, when the prompts have been read.
        long[] start = new long[1];
        generator.generate(prompts, (sequence, token) -> start[0] = start[0] == 0 ? System.nanoTime() : start[0]);
        return (System.nanoTime() - start[0]) / 1e9 / steps;
    }

    /** Seconds of one {@code [m, k]} by {@code [k, n]} product on all threads. */
    private double product(int m, int k, int n) {
        Kernels kernels = KernelProvider.provide().kernels();
        PackedMatrix w = PackedMatrix.zeros(k, n, false);
        InputRows input = new InputRows();
        float[] values = new float[m * k];
        float[] out = new float[m * n];
        // A multiple of every tile's rows.
        int rows = 180;
        int panels = 4;
        int groups = (w.panels() + panels - 1) / panels;
        int blocks = (m + rows - 1) / rows;
        Scratch[] scratch = Stream.generate(Scratch::new).limit(model.threads()).toArray(Scratch[]::new);
        try (WorkerPool pool = new WorkerPool(model.threads())) {
            Runnable once = () -> {
                input.set(values, 0, k, k, m, kernels.rowsTogether());
                input.reserve();
                pool.run(blocks, (worker, block) -> {
                    int end = Math.min(m, (block + 1) * rows);
                    kernels.interleave(input, block * rows / input.group(), end / input.group());
                });
                pool.run(groups * blocks, (worker, index) -> {
                    int row = index % blocks * rows;
                    int panel = index / blocks * panels;
                    kernels.product(
                            new Rows(out, 0, n),
                            input,
                            w,
                            row,
                            Math.min(row + rows, m),
                            panel,
                            Math.min(w.panels(), panel + panels),
                            scratch[worker]);
                });
            };
            for (int i = 0; i < 20; i++) {
                once.run();
            }
            return seconds(once);
        }
    }

    /** Seconds to read as many values as the weights have once, on all threads, with nothing else to do. */
    private double stream() {
        try (WorkerPool pool = new WorkerPool(model.threads())) {
            return MachineLimits.readSeconds(pool, config.parameters());
        }
    }

    /** Floating-point operations a second that all threads can do. */
    private double peak() {
        try (WorkerPool pool = new WorkerPool(model.threads())) {
            return MachineLimits.operations(pool);
        }
    }

    /** Resident bytes of this process, where the system tells. */
    private static double resident() throws IOException {
        Path status = Path.of("/proc/self/status");
        if (!Files.exists(status)) {
            return Double.NaN;
        }
        return Files.readAllLines(status).stream()
                .filter(line -> line.startsWith("VmRSS:"))
                .mapToDouble(line -> 1024 * Double.parseDouble(line.replaceAll("\\D", "")))
                .findFirst()
                .orElse(Double.NaN);
    }

    private int[] tokens(int length) {
        return IntStream.range(0, length).map(i -> i * 7919 % config.dVocab()).toArray();
    }

    private static double seconds(Runnable work) {
        long start = System.nanoTime();
        work.run();
        return (System.nanoTime() - start) / 1e9;
    }
}
