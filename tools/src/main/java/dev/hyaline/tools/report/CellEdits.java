package dev.hyaline.tools.report;

import dev.hyaline.analysis.causal.Side;
import dev.hyaline.analysis.prompt.PromptPair;
import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.analysis.table.Axis;
import dev.hyaline.explorer.view.CellEdit;
import dev.hyaline.tools.option.ModelVocabulary;
import dev.hyaline.weights.Tokenizer;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.function.IntUnaryOperator;

/**
 * The runs behind the cells of a sweep, on its first pair, as {@code hyaline edit} and a live page make them.
 *
 * @param model the option that names it, such as {@code -m gpt2}; empty for the built-in one
 * @param begins whether the token that begins a text is put before each prompt
 */
public record CellEdits(PromptPairs pairs, ModelVocabulary vocabulary, String model, boolean begins) {
    /**
     * The edit of each cell of a table.
     *
     * @param kind what it does, as JSON and the command call it: {@code zero}, {@code patch}
     * @param base the run that is edited
     * @param site its short name; that of the cell where there is an axis of activations
     * @param position of each step along an axis of positions, in the first pair
     * @param everywhere positions of the first pair that are edited where there is no such axis; none for all
     * @return empty where the cells are not such edits, or the prompts are not the tokens of their text
     */
    public Optional<CellEdit> of(
            String kind, Side base, String site, List<Axis> axes, IntUnaryOperator position, int[] everywhere) {
        PromptPair pair = pairs.get(0);
        Optional<String> prompt = text(base == Side.CLEAN ? pair.clean() : pair.corrupted());
        Optional<String> source =
                kind.equals("patch") ? text(base == Side.CLEAN ? pair.corrupted() : pair.clean()) : Optional.of("");
        if (prompt.isEmpty() || source.isEmpty()) {
            return Optional.empty();
        }
        String options = (model.isEmpty() ? "" : model + " ") + (begins ? "" : "--no-bos ");
        return CellEdit.of(
                new CellEdit.EditedRun(options.strip(), prompt.get(), source.get()),
                kind,
                site,
                axes,
                position,
                everywhere);
    }

    /** The text that these tokens are of, as a command and a page read it. */
    private Optional<String> text(int[] tokens) {
        Optional<Tokenizer> tokenizer = vocabulary.tokenizer();
        if (tokenizer.isEmpty()) {
            return Optional.empty();
        }
        int marks = begins ? vocabulary.encode("", true).length : 0;
        if (marks > tokens.length) {
            return Optional.empty();
        }
        String text = tokenizer
                .get()
                .decode(Arrays.copyOfRange(tokens, Math.min(1, marks), tokens.length - Math.max(0, marks - 1)));
        return Arrays.equals(vocabulary.encode(text, begins), tokens) ? Optional.of(text) : Optional.empty();
    }
}
