package dev.hyaline.explorer.view;

/** The place of a token among all by its logit. */
final class Rank {
    private Rank() {}

    /** 1 for the likeliest; the lower id comes first among equals. */
    static int of(int token, float[] logits) {
        int rank = 1;
        for (int other = 0; other < logits.length; other++) {
            if (logits[other] > logits[token] || (logits[other] == logits[token] && other < token)) {
                rank++;
            }
        }
        return rank;
    }
}
