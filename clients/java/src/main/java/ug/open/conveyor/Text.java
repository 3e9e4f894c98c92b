package ug.open.conveyor;

import java.util.ArrayList;
import java.util.List;

/** Text as the wire takes it: its size in UTF-8, cuts between characters, and lines. */
final class Text {
    private Text() {}

    /** Text with U+FFFD for each half of a character that stands alone. */
    static String valid(String text) {
        for (int i = 0; i < text.length(); i++) {
            char c = text.charAt(i);
            if (!Character.isSurrogate(c)) {
                continue;
            }
            if (Character.isHighSurrogate(c) && i + 1 < text.length() && Character.isLowSurrogate(text.charAt(i + 1))) {
                i++;
                continue;
            }
            StringBuilder mended =
                    new StringBuilder(text.length()).append(text, 0, i).append('\uFFFD');
            return mended.append(valid(text.substring(i + 1))).toString();
        }
        return text;
    }

    /** Where to end the part of text from start on that has so many bytes at most; at least one character. */
    static int cut(String text, int start, int limit) {
        // A character has up to four bytes: with a smaller limit no progress would be made.
        long left = Math.max(limit, 4);
        if ((text.length() - start) * 3L <= left) {
            return text.length();
        }
        int at = start;
        while (at < text.length()) {
            int point = text.codePointAt(at);
            left -= point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
            if (left < 0) {
                break;
            }
            at += Character.charCount(point);
        }
        return at;
    }

    static String clip(String text, int limit) {
        String whole = valid(text);
        return whole.substring(0, cut(whole, 0, limit));
    }

    /** The lines of text, without their ends. No text is one empty line. */
    static List<String> lines(String text) {
        List<String> lines = new ArrayList<>();
        int start = 0;
        do {
            int end = text.indexOf('\n', start);
            String line = text.substring(start, end < 0 ? text.length() : end);
            lines.add(line.endsWith("\r") ? line.substring(0, line.length() - 1) : line);
            start = end < 0 ? text.length() : end + 1;
        } while (start < text.length());
        return lines;
    }
}
