package dev.hyaline.explorer.view;

/** The place of a token among all by its logit. */
final class Rank {
    private Rank() {}

    /** 1 for the likeliest; the lower id comes first among equals. */
    static int of(int token, float[] logits) {
        float logit = logits[token];
        int rank = 1;
        for (int other = 0; other < token; other++) {
            rank += logits[other] >= logit ? 1 : 0;
        }
        for (int other = token + 1; other < logits.length; other++) {
            rank += logits[other] > logit ? 1 : 0;
        }
        return rank;
    }
}
