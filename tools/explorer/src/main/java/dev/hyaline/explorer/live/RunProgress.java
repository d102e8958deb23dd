package dev.hyaline.explorer.live;

/** Told by a run how far it has come. Both methods throw, and so end the run, when nobody waits for it any more. */
interface RunProgress {
    void requireWanted();

    void step(long done, long total);
}
