package dev.hyaline.instrument.weights;

import java.util.stream.IntStream;

/**
 * Composition scores of all pairs of heads. Of each head only what the score depends on is kept: the OV circuit without
 * the orthogonal factor on its left, {@code [dHead, dModel]}, and what reads without the one on its right,
 * {@code [dModel, dHead]}.
 */
final class CompositionScores {
    private final int layers;
    private final int heads;
    private final Matrix[][] writers;
    private final Matrix[][] readers;

    CompositionScores(ModelWeights weights, CompositionMode mode) {
        layers = weights.config().nLayers();
        heads = weights.config().nHeads();
        writers = new Matrix[layers][heads];
        readers = new Matrix[layers][heads];
        for (int layer = 0; layer < layers; layer++) {
            for (int head = 0; head < heads; head++) {
                FactoredMatrix ov = weights.ov(layer, head);
                FactoredMatrix reader = switch (mode) {
                    case Q -> weights.qk(layer, head);
                    case K -> weights.qk(layer, head).transposed();
                    case V -> ov;
                };
                writers[layer][head] = ThinQr.of(ov.a()).r().times(ov.b());
                readers[layer][head] =
                        reader.a().times(ThinQr.of(reader.b().transposed()).r().transposed());
            }
        }
    }

    double[][][][] all() {
        double[][][][] scores = new double[layers][heads][layers][heads];
        IntStream.range(0, layers * heads).parallel().forEach(index -> {
            int layer1 = index / heads;
            int head1 = index % heads;
            Matrix writer = writers[layer1][head1];
            for (int layer2 = layer1 + 1; layer2 < layers; layer2++) {
                for (int head2 = 0; head2 < heads; head2++) {
                    scores[layer1][head1][layer2][head2] = score(writer, readers[layer2][head2]);
                }
            }
        });
        return scores;
    }

    private static double score(Matrix writer, Matrix reader) {
        double norms = writer.norm() * reader.norm();
        return norms == 0 ? 0 : writer.times(reader).norm() / norms;
    }
}
