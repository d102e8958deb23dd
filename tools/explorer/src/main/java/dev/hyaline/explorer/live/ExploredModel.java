package dev.hyaline.explorer.live;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.explorer.data.ViewToken;
import java.util.function.IntFunction;
import org.jspecify.annotations.Nullable;

/**
 * A model that a page may run, and what else it may read.
 *
 * @param name shown on the page
 * @param options of a command that name the model and how its weights are processed, for commands that are copied;
 *     empty for the built-in one as it is
 * @param model must stay open while a server has it
 * @param encoder null if the model has no tokenizer: prompts are then token ids
 * @param vocabulary the tokens by id
 * @param latents of an autoencoder; null without one
 * @param dump null without one
 */
public record ExploredModel(
        String name,
        String options,
        Gpt2 model,
        @Nullable PromptEncoder encoder,
        IntFunction<ViewToken> vocabulary,
        @Nullable ExploredLatents latents,
        @Nullable ExploredDump dump) {
    /** A model alone. */
    public ExploredModel(
            String name,
            String options,
            Gpt2 model,
            @Nullable PromptEncoder encoder,
            IntFunction<ViewToken> vocabulary) {
        this(name, options, model, encoder, vocabulary, null, null);
    }

    /** The same model, with latents of an autoencoder. */
    public ExploredModel withLatents(ExploredLatents itsLatents) {
        return new ExploredModel(name, options, model, encoder, vocabulary, itsLatents, dump);
    }

    /** The same model, with a dump. */
    public ExploredModel withDump(ExploredDump aDump) {
        return new ExploredModel(name, options, model, encoder, vocabulary, latents, aDump);
    }
}
