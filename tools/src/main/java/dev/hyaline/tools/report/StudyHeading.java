package dev.hyaline.tools.report;

import dev.hyaline.analysis.prompt.PromptPairs;
import dev.hyaline.files.EscapedText;
import dev.hyaline.files.ScreenWidth;
import dev.hyaline.tools.terminal.Console;
import dev.hyaline.tools.terminal.DisplayText;

/** The lines above a study's table: the model, the number of pairs, and one of them. */
public final class StudyHeading {
    private static final int MAX_NAME_WIDTH = Console.LINE - "such as: ".length();

    private StudyHeading() {}

    /**
     * Prints the lines.
     *
     * @param more the text after the number of pairs
     */
    public static void print(Console console, String model, PromptPairs pairs, String more) {
        console.headed(model, DisplayText.plural(pairs.size(), "pair") + more);
        console.out()
                .println(console.dim("such as: "
                        + ScreenWidth.shortened(EscapedText.plain(pairs.get(0).name()), MAX_NAME_WIDTH)));
        console.out().println();
    }
}
