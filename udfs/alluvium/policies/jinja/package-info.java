/**
 * The part of Jinja that chat templates use, with Python's semantics of values: lexer, parser, evaluator.
 *
 * <p>A template is hostile input. It sees no Java object, reads no file and no clock but the one it is given, and
 * works within a {@link alluvium.policies.jinja.Budget}: what exceeds it is refused.
 */
package alluvium.policies.jinja;
