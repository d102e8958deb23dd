package dev.hyaline.analysis.attention;

import java.util.Locale;

/**
 * Kinds of heads the field has names for, by where they look. The first position, which sees nothing but itself, says
 * nothing about a head and is no query.
 */
public enum HeadType implements AttentionTarget {
    /** At the token before. */
    PREVIOUS_TOKEN {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return query > 0 && key == query - 1;
        }
    },
    /** At the token after an earlier occurrence of this one (Olsson et al. 2022). */
    INDUCTION {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return key > 0 && key < query && tokens[key - 1] == tokens[query];
        }
    },
    /** At an earlier occurrence of this token. */
    DUPLICATE_TOKEN {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return key < query && tokens[key] == tokens[query];
        }
    },
    /** At the first position, a resting place (attention sink). */
    FIRST_TOKEN {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return query > 0 && key == 0;
        }
    },
    /** At itself. */
    CURRENT_TOKEN {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return query > 0 && key == query;
        }
    },
    /**
     * At the two to five tokens before, neither itself nor the previous token, which have names of their own, nor the
     * first position.
     */
    LOCAL {
        @Override
        public boolean looks(int[] tokens, int query, int key) {
            return key > 0 && query - key >= 2 && query - key <= 5;
        }
    };

    /** Such as {@code previous-token}. */
    @Override
    public String toString() {
        return name().toLowerCase(Locale.ROOT).replace('_', '-');
    }
}
