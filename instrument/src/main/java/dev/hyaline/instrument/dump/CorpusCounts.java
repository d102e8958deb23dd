package dev.hyaline.instrument.dump;

/**
 * What a reading of a corpus has counted so far.
 *
 * @param tokens that the model reads
 * @param candidates tokens that pass all filters but {@code every}
 */
record CorpusCounts(long documents, long tokens, long candidates) {
    static final CorpusCounts NONE = new CorpusCounts(0, 0, 0);

    CorpusCounts plus(CorpusCounts more) {
        return new CorpusCounts(
                Math.addExact(documents, more.documents),
                Math.addExact(tokens, more.tokens),
                Math.addExact(candidates, more.candidates));
    }

    /** Rows so far: the first candidate gets one, then every {@code every}-th. */
    long rows(int every) {
        return Math.ceilDiv(candidates, every);
    }
}
