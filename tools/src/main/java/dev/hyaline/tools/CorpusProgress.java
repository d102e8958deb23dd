package dev.hyaline.tools;

import dev.hyaline.instrument.CorpusListener;

/** Shows and counts the tokens of a corpus. */
final class CorpusProgress implements CorpusListener {
    private final Progress progress;
    private long tokens;

    CorpusProgress(Progress progress) {
        this.progress = progress;
    }

    @Override
    public void skipped(long skipped) {
        progress.skip(skipped);
    }

    @Override
    public void done(long done) {
        tokens += done;
        progress.advance(done);
    }

    /** Tokens that were run. */
    long tokens() {
        return tokens;
    }
}
