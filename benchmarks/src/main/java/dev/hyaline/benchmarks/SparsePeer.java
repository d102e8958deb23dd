package dev.hyaline.benchmarks;

import dev.hyaline.analysis.sparse.Latents;
import dev.hyaline.analysis.sparse.SaeMetadata;
import dev.hyaline.analysis.sparse.SparseAutoencoder;
import dev.hyaline.analysis.sparse.train.Recipe;
import dev.hyaline.analysis.sparse.train.SaeTrainer;
import dev.hyaline.analysis.sparse.train.Schedule;
import dev.hyaline.analysis.sparse.train.TrainedActivation;
import dev.hyaline.analysis.sparse.train.Training;
import dev.hyaline.analysis.sparse.train.TrainingData;
import dev.hyaline.engine.Gpt2;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.lang.management.ManagementFactory;
import java.lang.management.ThreadMXBean;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.channels.FileChannel;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Random;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * The Java side of {@code compare/sparse.py}: reads a line {@code WHAT WIDTH LATENTS K TOKENS} with {@code topk},
 * {@code relu} or {@code few} for a training step and {@code encode} or {@code both} for inference, and answers with
 * the processor seconds of one thread. {@code few} is a ReLU step whose encoder bias, which stands in the place of K,
 * lets few latents fire.
 */
public final class SparsePeer {
    /** Multiply-adds of a product up to which more steps are taken, since the virtual machine still compiles. */
    private static final long SMALL = 1L << 32;

    private SparsePeer() {}

    public static void main(String[] arguments) throws IOException {
        BufferedReader in = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        System.out.println(Gpt2.availableKernels().name() + " kernels");
        for (String line = in.readLine(); line != null; line = in.readLine()) {
            String[] words = line.split(" ", -1);
            int d = Integer.parseInt(words[1]);
            int n = Integer.parseInt(words[2]);
            double k = Double.parseDouble(words[3]);
            int tokens = Integer.parseInt(words[4]);
            System.out.println(seconds(words[0], d, n, k, tokens));
        }
    }

    private static double seconds(String what, int d, int n, double k, int tokens) throws IOException {
        boolean few = what.equals("few");
        TrainedActivation activation = what.equals("relu") || few
                ? new TrainedActivation.PenalizedRelu(5, true)
                : new TrainedActivation.TrainedTopK(k, true, false);
        int steps = (long) d * n * tokens < SMALL ? 24 : 4;
        boolean trains = what.equals("topk") || what.equals("relu") || few;
        Training training = Training.of(n, Recipe.of(activation), Schedule.constant(3e-4), steps, tokens)
                .normalized(false);
        Normal data = new Normal(d, tokens);
        ThreadMXBean threads = ManagementFactory.getThreadMXBean();
        long[] at = new long[steps + 1];
        try (SaeTrainer trainer = few ? biased(training, data, (float) k) : SaeTrainer.begin(training, data, 1)) {
            if (trains) {
                at[0] = threads.getCurrentThreadCpuTime();
                trainer.run(data, (done, losses, rate, dead) -> {
                    at[(int) done] = threads.getCurrentThreadCpuTime();
                    if (few && done == steps) {
                        System.err.println("L0 " + losses.l0());
                    }
                });
            } else {
                SparseAutoencoder sae =
                        trainer.autoencoder(SaeMetadata.unknown()).onThreads(1);
                for (int i = 0; i < steps; i++) {
                    at[i] = threads.getCurrentThreadCpuTime();
                    Latents latents = sae.encode(data.rows);
                    if (what.equals("both")) {
                        sae.decode(latents);
                    }
                    at[i + 1] = threads.getCurrentThreadCpuTime();
                }
            }
        }
        long least = Long.MAX_VALUE;
        for (int i = 1; i <= steps; i++) {
            least = Math.min(least, at[i] - at[i - 1]);
        }
        return least / 1e9;
    }

    /** A trainer whose encoder bias is written into its checkpoint. */
    private static SaeTrainer biased(Training training, TrainingData data, float bias) throws IOException {
        Path file = Files.createTempFile("sparse", ".safetensors");
        try {
            try (SaeTrainer trainer = SaeTrainer.begin(training, data, 1)) {
                trainer.checkpoint(file);
            }
            try (FileChannel channel = FileChannel.open(file, StandardOpenOption.READ, StandardOpenOption.WRITE)) {
                ByteBuffer length = ByteBuffer.allocate(Long.BYTES).order(ByteOrder.LITTLE_ENDIAN);
                channel.read(length, 0);
                int header = (int) length.getLong(0);
                ByteBuffer json = ByteBuffer.allocate(header);
                channel.read(json, Long.BYTES);
                Matcher place = Pattern.compile("\"b_enc\":\\{[^}]*\"data_offsets\":\\[(\\d+),")
                        .matcher(new String(json.array(), StandardCharsets.UTF_8));
                if (!place.find()) {
                    throw new IllegalStateException("no b_enc in " + file);
                }
                ByteBuffer values =
                        ByteBuffer.allocate(Float.BYTES * training.latents()).order(ByteOrder.LITTLE_ENDIAN);
                while (values.hasRemaining()) {
                    values.putFloat(bias);
                }
                channel.write(values.flip(), Long.BYTES + header + Long.parseLong(place.group(1)));
            }
            return SaeTrainer.resume(training, data, 1, file);
        } finally {
            Files.delete(file);
        }
    }

    /** The same normal rows in each batch. */
    private static final class Normal implements TrainingData {
        private final int d;
        private final float[] rows;

        Normal(int d, int tokens) {
            this.d = d;
            rows = new float[d * tokens];
            Random random = new Random(1);
            for (int i = 0; i < rows.length; i++) {
                rows[i] = (float) random.nextGaussian();
            }
        }

        @Override
        public int dIn() {
            return d;
        }

        @Override
        public int dOut() {
            return d;
        }

        @Override
        public boolean isTranscoder() {
            return false;
        }

        @Override
        public long rows() {
            return rows.length / d;
        }

        @Override
        public void read(long batch, int size, float[] x, float[] y) {
            System.arraycopy(rows, 0, x, 0, size * d);
        }
    }
}
