package dev.hyaline.analysis.prompt;

import dev.hyaline.engine.error.BadInputException;
import dev.hyaline.files.Printable;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Objects;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * A text with named slots, {@code When {IO} and {S1} went to the {place}, {S2} gave a drink to}. Filled twice it makes
 * a pair of prompts, in which a slot's last token is the position of the role of that name.
 */
public final class PairTemplate {
    /** The filled text is encoded anew up to each slot. */
    private static final int MAX_SLOTS = 100;

    private static final int MAX_TOKENS = 1 << 16;

    private static final Pattern SLOT = Pattern.compile("\\{([^{}]*)\\}");

    private final String text;
    private final List<String> slots;

    private PairTemplate(String text, List<String> slots) {
        this.text = text;
        this.slots = slots;
    }

    /**
     * Reads a template.
     *
     * @throws BadInputException if it has no slot, or two of one name
     */
    public static PairTemplate parse(String text) {
        List<String> slots = SLOT.matcher(text)
                .results()
                .map(slot -> slot.group(1))
                .collect(Collectors.toCollection(ArrayList::new));
        if (slots.isEmpty() || slots.contains("")) {
            throw new BadInputException("the template " + shown(text) + " needs slots with names, such as {S1}");
        }
        if (slots.stream().distinct().count() != slots.size()) {
            throw new BadInputException("the template " + shown(text) + " has two slots of one name");
        }
        if (slots.size() > MAX_SLOTS) {
            throw new BadInputException("the template " + shown(text) + " has " + slots.size() + " slots; at most "
                    + MAX_SLOTS + " can be filled");
        }
        return new PairTemplate(text, List.copyOf(slots));
    }

    /** The text with its slots filled. */
    public String fill(Map<String, String> words) {
        Matcher matcher = SLOT.matcher(text);
        return matcher.replaceAll(slot -> Matcher.quoteReplacement(word(words, slot.group(1))));
    }

    /**
     * A pair of the filled texts.
     *
     * @param corrupted the slots that the corrupted prompt fills otherwise
     * @throws BadInputException if a slot is not filled, or a slot's tokens in one prompt do not face those of the
     *     other, naming slot and words
     */
    public PromptPair pair(
            PromptEncoder encoder,
            Map<String, String> clean,
            Map<String, String> corrupted,
            int[] answers,
            int[] distractors) {
        Map<String, String> corruptedWords = corruptedWords(clean, corrupted);
        String cleanText = fill(clean);
        String corruptedText = fill(corruptedWords);
        int[] cleanTokens = encoder.prompt(cleanText);
        int[] corruptedTokens = encoder.prompt(corruptedText);
        if (cleanTokens.length > MAX_TOKENS) {
            throw new BadInputException(shown(cleanText) + " has " + cleanTokens.length
                    + " tokens; a template is filled with at most " + MAX_TOKENS);
        }
        Map<String, Integer> roles = positions(encoder, clean, cleanTokens);
        Map<String, Integer> facing = positions(encoder, corruptedWords, corruptedTokens);
        for (String slot : slots) {
            if (!Objects.equals(roles.get(slot), facing.get(slot))) {
                throw new BadInputException(shown(cleanText) + ": the slot {" + Printable.plain(slot)
                        + "} ends at token "
                        + roles.get(slot) + " with " + shown(Objects.requireNonNull(clean.get(slot))) + " and at token "
                        + facing.get(slot) + " with " + shown(Objects.requireNonNull(corruptedWords.get(slot)))
                        + "; choose words of equally many tokens");
            }
        }
        return new PromptPair(cleanText, cleanTokens, corruptedTokens, answers, distractors, roles);
    }

    /**
     * Checks that words fill the slots.
     *
     * @throws BadInputException if a slot is not filled, or a word is for none
     */
    void requireFilled(Map<String, String> clean, Map<String, String> corrupted) {
        fill(clean);
        fill(corruptedWords(clean, corrupted));
    }

    private Map<String, String> corruptedWords(Map<String, String> clean, Map<String, String> corrupted) {
        Map<String, String> words = new LinkedHashMap<>(clean);
        words.putAll(corrupted);
        for (String slot : words.keySet()) {
            if (!slots.contains(slot)) {
                throw new BadInputException(
                        "the template " + shown(text) + " has no slot {" + Printable.plain(slot) + "}");
            }
        }
        return words;
    }

    /** The position of each slot's last token. */
    private Map<String, Integer> positions(PromptEncoder encoder, Map<String, String> words, int[] tokens) {
        Map<String, Integer> positions = new LinkedHashMap<>();
        Matcher matcher = SLOT.matcher(text);
        StringBuilder before = new StringBuilder();
        while (matcher.find()) {
            matcher.appendReplacement(before, Matcher.quoteReplacement(word(words, matcher.group(1))));
            int[] prefix = encoder.begun(before.toString());
            if (prefix.length > tokens.length || !Arrays.equals(prefix, Arrays.copyOf(tokens, prefix.length))) {
                throw new BadInputException(shown(fill(words)) + ": the word "
                        + shown(Objects.requireNonNull(words.get(matcher.group(1)))) + " of the slot {"
                        + Printable.plain(matcher.group(1)) + "} shares a token with what follows it");
            }
            positions.put(matcher.group(1), prefix.length - 1);
        }
        return positions;
    }

    private String word(Map<String, String> words, String slot) {
        String word = words.get(slot);
        if (word == null || word.isEmpty()) {
            throw new BadInputException(
                    "the template " + shown(text) + " needs a word for {" + Printable.plain(slot) + "}");
        }
        return word;
    }

    private static String shown(String text) {
        return "'" + Printable.plain(text) + "'";
    }

    @Override
    public String toString() {
        return text;
    }
}
