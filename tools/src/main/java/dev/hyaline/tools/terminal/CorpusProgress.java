package dev.hyaline.tools.terminal;

import dev.hyaline.instrument.dump.CorpusListener;

/** The progress of a corpus, with a count of its tokens. */
public final class CorpusProgress implements CorpusListener {
    private final ConsoleProgress progress;
    private long tokens;

    public CorpusProgress(ConsoleProgress progress) {
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

    /** The number of tokens that were run. */
    public long tokens() {
        return tokens;
    }
}
