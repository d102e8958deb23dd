package dev.hyaline.explorer.data;

import dev.hyaline.files.RecordText;
import java.util.List;
import org.jspecify.annotations.Nullable;

/**
 * What a view is of, and how to have it again.
 *
 * @param title of the view
 * @param model its name
 * @param prompt the text; empty where there is none
 * @param tokens of the prompt; empty where there is none
 * @param basis what the numbers rest on, such as {@code one forward pass} or {@code 64 pairs of ioi-abba}
 * @param seed null where nothing is drawn
 * @param command the command that gives the view; empty where there is none
 * @param java the lines of Java that give its numbers; empty where there are none
 */
public record ViewHeading(
        String title,
        String model,
        String prompt,
        List<ViewToken> tokens,
        String basis,
        @Nullable Long seed,
        String command,
        String java) {
    public ViewHeading {
        tokens = List.copyOf(tokens);
    }

    /** The heading of a view of a model, without a prompt. */
    public static ViewHeading of(String title, String model) {
        return new ViewHeading(title, model, "", List.of(), "", null, "", "");
    }

    /** The same heading under another title. */
    public ViewHeading withTitle(String newTitle) {
        return new ViewHeading(newTitle, model, prompt, tokens, basis, seed, command, java);
    }

    /** The same heading of a prompt. */
    public ViewHeading withPrompt(String text, List<ViewToken> itsTokens) {
        return new ViewHeading(title, model, text, itsTokens, basis, seed, command, java);
    }

    /** The same heading with what the numbers rest on. */
    public ViewHeading withBasis(String newBasis) {
        return new ViewHeading(title, model, prompt, tokens, newBasis, seed, command, java);
    }

    /** The same heading of a view whose prompts or tokens were drawn. */
    public ViewHeading withSeed(long newSeed) {
        return new ViewHeading(title, model, prompt, tokens, basis, newSeed, command, java);
    }

    /** The same heading with the command that gives the view. */
    public ViewHeading withCommand(String newCommand) {
        return new ViewHeading(title, model, prompt, tokens, basis, seed, newCommand, java);
    }

    /** The same heading with the lines of Java that give the numbers. */
    public ViewHeading withJava(String lines) {
        return new ViewHeading(title, model, prompt, tokens, basis, seed, command, lines);
    }

    @Override
    public String toString() {
        return RecordText.of(this);
    }
}
