package dev.hyaline.explorer.live;

import dev.hyaline.analysis.prompt.PromptEncoder;
import dev.hyaline.engine.Gpt2;
import dev.hyaline.explorer.data.ViewToken;
import dev.hyaline.weights.Checkpoint;
import dev.hyaline.weights.Tokenizer;
import java.util.List;
import java.util.function.UnaryOperator;

/** The built-in model behind a page. */
record LiveFable(Gpt2 model, PromptEncoder encoder, ExplorerServer server) implements AutoCloseable {
    static final String PROMPT = "When Mary and John went to the store, John gave a drink to";

    static LiveFable start() {
        return start(explored -> explored);
    }

    /** As {@link #start()}, with more for its pages to read. */
    static LiveFable start(UnaryOperator<ExploredModel> more) {
        try (Checkpoint checkpoint = Checkpoint.builtIn("fable")) {
            Tokenizer tokenizer = checkpoint.tokenizer();
            Gpt2 model = Gpt2.of(checkpoint.weights(), 2);
            PromptEncoder encoder =
                    new PromptEncoder(tokenizer::encode, List.of(tokenizer.beginOfText()), tokenizer.vocabularySize());
            ExploredModel explored = new ExploredModel(
                    "fable",
                    "",
                    model,
                    encoder,
                    id -> tokenizer
                            .bytes(id)
                            .map(bytes -> ViewToken.of(id, bytes))
                            .orElseGet(() -> ViewToken.of(id)));
            return new LiveFable(model, encoder, ExplorerServer.start(more.apply(explored), PROMPT, 0));
        }
    }

    @Override
    public void close() {
        server.close();
        model.close();
    }
}
