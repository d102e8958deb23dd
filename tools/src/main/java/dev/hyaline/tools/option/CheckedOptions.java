package dev.hyaline.tools.option;

/** Options that can be wrong whatever the model: checked before anything is downloaded, opened or run. */
public interface CheckedOptions {
    /**
     * Reads what the options hold.
     *
     * @throws dev.hyaline.engine.error.HyalineException naming the option that cannot be what it is
     */
    void check();
}
