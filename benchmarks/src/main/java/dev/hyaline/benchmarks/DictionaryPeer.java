package dev.hyaline.benchmarks;

import dev.hyaline.analysis.dictionary.Coding;
import dev.hyaline.analysis.dictionary.CodingAlgorithm;
import dev.hyaline.analysis.dictionary.MiniBatchDictionaryLearning;
import dev.hyaline.analysis.dictionary.MiniBatchFit;
import dev.hyaline.analysis.dictionary.SparseCoder;
import dev.hyaline.analysis.dictionary.SparseCodes;
import dev.hyaline.engine.Gpt2;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;

/**
 * The Java side of {@code compare/dictionaries.py}: reads lines {@code ALGORITHM NUMBER WIDTH SAMPLES DICTIONARY}, the
 * number being alpha or that of the atoms of a code and the last two files of float32, or {@code learn} in place of the
 * algorithm. Answers with the processor seconds of one thread, the objective of a sample and the mean number of atoms.
 */
public final class DictionaryPeer {
    /** Times that samples are coded, of which the fastest counts, since the virtual machine still compiles. */
    private static final int TIMES = 5;

    private static final int BATCH = 256;

    private static final ThreadMXBean THREADS = ManagementFactory.getThreadMXBean();

    private DictionaryPeer() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println(Gpt2.availableKernels().name() + " kernels");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            double number = Double.parseDouble(words[1]);
            int d = Integer.parseInt(words[2]);
            float[] samples = floats(words[3]);
            float[] dictionary = floats(words[4]);
            System.out.println(
                    words[0].equals("learn")
                            ? learned(number, d, samples, dictionary)
                            : coded(CodingAlgorithm.named(words[0]), number, d, samples, dictionary));
        }
    }

    private static String coded(CodingAlgorithm algorithm, double number, int d, float[] samples, float[] dictionary) {
        Coding coding = Coding.of(algorithm);
        coding = algorithm.isLasso() ? coding.alpha(number) : coding.nonzeroCoefficients((int) number);
        SparseCoder coder = SparseCoder.of(dictionary, d, coding).onThreads(1);
        SparseCodes codes = coder.encode(samples);
        double seconds = Double.POSITIVE_INFINITY;
        for (int i = 0; i < TIMES; i++) {
            long begin = THREADS.getCurrentThreadCpuTime();
            codes = coder.encode(samples);
            seconds = Math.min(seconds, (THREADS.getCurrentThreadCpuTime() - begin) / 1e9);
        }
        double objective = coder.objective(samples, codes) / codes.samples();
        return seconds + " " + objective + " " + codes.l0().orElseThrow();
    }

    /** An epoch, by its sum, of steps in the order of the samples. */
    private static String learned(double alpha, int d, float[] samples, float[] dictionary) {
        double[] start = new double[dictionary.length];
        for (int i = 0; i < start.length; i++) {
            start[i] = dictionary[i];
        }
        MiniBatchDictionaryLearning learning = MiniBatchDictionaryLearning.of(dictionary.length / d, alpha)
                .batch(BATCH)
                .shuffled(false)
                .startingFrom(start);
        try (MiniBatchFit warmUp = learning.begin(Arrays.copyOf(samples, 4 * BATCH * d), d, 1);
                MiniBatchFit fit = learning.begin(samples, d, 1)) {
            warmUp.run((done, cost, resampled) -> {});
            long begin = THREADS.getCurrentThreadCpuTime();
            SparseCoder coder = fit.run((done, cost, resampled) -> {}).coder(Coding.lasso(alpha));
            double seconds = (THREADS.getCurrentThreadCpuTime() - begin) / 1e9;
            SparseCodes codes = coder.encode(samples);
            return seconds + " " + coder.objective(samples, codes) / codes.samples() + " "
                    + codes.l0().orElseThrow();
        }
    }

    private static float[] floats(String file) throws IOException {
        ByteBuffer bytes = ByteBuffer.wrap(Files.readAllBytes(Path.of(file))).order(ByteOrder.LITTLE_ENDIAN);
        float[] floats = new float[bytes.remaining() / Float.BYTES];
        bytes.asFloatBuffer().get(floats);
        return floats;
    }
}
