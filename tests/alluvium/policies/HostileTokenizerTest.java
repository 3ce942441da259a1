package alluvium.policies;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import alluvium.contracts.Mutations;
import alluvium.tables.DataException;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.List;
import java.util.Map;
import java.util.Random;
import org.junit.jupiter.api.Assertions;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.TestReporter;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Tokenizers made to do harm. Each of those refused by name ends the process where the library gets it. */
class HostileTokenizerTest {
  private static final String PLAIN = "{'version':'1.0','added_tokens':[],'normalizer':null,'pre_tokenizer':null,"
      + "'post_processor':null,'decoder':null,'model':{'type':'WordLevel','vocab':{'<unk>':0,'a':1,'é':2},"
      + "'unk_token':'<unk>'}}";
  private static final String WAY_OUT = ". The native library could end the process over it; export the tokenizer "
      + "without that part.";

  private static Tokenizer open(String json) {
    return Tokenizer.of(Map.of(Tokenizer.TOKENIZER, json.replace('\'', '"').getBytes(StandardCharsets.UTF_8)));
  }

  private static String with(String part, String value) {
    return PLAIN.replace("'" + part + "':null", "'" + part + "':" + value);
  }

  @ParameterizedTest
  @CsvSource(delimiter = '@', quoteCharacter = '`', value = {
    "normalizer@{'type':'Precompiled','precompiled_charsmap':'AA=='}@has the type \"Precompiled\"; known: "
        + "BertNormalizer, "
        + "ByteLevel, Lowercase, NFC, NFD, NFKC, NFKD, Nmt, Prepend, Replace, Sequence, Strip, StripAccents",
    "normalizer@{'type':'Sequence','normalizers':[{'type':'Replace','pattern':{'String':'a'},'content':'aaaaa'},"
        + "{'type':'Replace','pattern':{'String':'a'},'content':'aaaa'}]}@makes a text more than 16 times as long",
    "normalizer@{'type':'Replace','pattern':{'Regex':'(a+)+b'},'content':'x'}@has the pattern (a+)+b, which repeats "
        + "something within a group",
    "pre_tokenizer@{'type':'FixedLength','length':0}@has the type \"FixedLength\"; known: BertPreTokenizer, ByteLevel, "
        + "CharDelimiterSplit, Digits, Metaspace, Punctuation, Sequence, Split, UnicodeScripts, Whitespace, "
        + "WhitespaceSplit",
    "pre_tokenizer@{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'Regex':'(a|aa)+$'},'behavior':"
        + "'Isolated','invert':false}]}@has the pattern (a|aa)+$, which repeats a group",
    "pre_tokenizer@{'type':['Split']}@has the type [\"Split\"]; known: BertPreTokenizer, ByteLevel, "
        + "CharDelimiterSplit, "
        + "Digits, Metaspace, Punctuation, Sequence, Split, UnicodeScripts, Whitespace, WhitespaceSplit",
    "decoder@{'type':'Strip','content':'a','start':5,'stop':5}@strips characters from the end of tokens (stop must "
        + "be 0)",
    "normalizer@{'type':'Prepend','prepend':'0123456789012345678901234567890123456789012345678901234567890123456789'}"
        + "@prepends more than 64 characters"})
  void partsThatEndTheProcess(String part, String value, String message) {
    assertThatThrownBy(() -> open(with(part, value))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json: " + part + " " + message + WAY_OUT);
  }

  @Test
  void aPrefixThatCutsCharacters() {
    String model = "'model':{'type':'BPE','vocab':{'a':0,'é':1,'aé':2},'merges':['a é'],"
        + "'continuing_subword_prefix':'xxx'}}";
    assertThatThrownBy(() -> open(PLAIN.replaceAll("'model'.*", model))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json: model has a continuing_subword_prefix, got \"xxx\"" + WAY_OUT);
    assertThatThrownBy(() -> open(PLAIN.replace("WordLevel", "Nothing"))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json: model has the type \"Nothing\"; known: BPE, Unigram, WordLevel, "
            + "WordPiece" + WAY_OUT);
  }

  @Test
  void manyParts() {
    String many = "{'type':'Sequence','normalizers':[" + "{'type':'NFC'},".repeat(63) + "{'type':'NFC'}]}";
    assertThatThrownBy(() -> open(with("normalizer", many))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json: normalizer has more than 64 parts" + WAY_OUT);
    String nested = "{'type':'Sequence','decoders':[".repeat(65) + "]}".repeat(65);
    assertThatThrownBy(() -> open(with("decoder", nested))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json is nested deeper than 64 levels" + WAY_OUT);
    assertThatThrownBy(() -> open(with("decoder", "{'type':'Fuse','x':1e400}"))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json has a number beyond the range of doubles" + WAY_OUT);
    assertThatThrownBy(() -> open(with("normalizer", "{'type':'Sequence','normalizers':[".repeat(5000))))
        .isInstanceOf(DataException.class).hasMessageStartingWith("the files given: tokenizer.json is not JSON: line "
            + "?: Depth (1001) exceeds ");
  }

  @Test
  void whatFollowsTheModelIsNotEvenLookedAt() {
    String template = "{'type':'TemplateProcessing','single':[{'Sequence':{'id':'B','type_id':0}}],"
        + "'pair':[{'Sequence':{'id':'A','type_id':0}}],'special_tokens':{}}";
    try (Tokenizer tokenizer = open(with("post_processor", template))) {
      assertThat(tokenizer.encode("a")).containsExactly(1);
    }
  }

  @Test
  void keysTwiceAndIdsBeyondAnyVocabulary() {
    assertThatThrownBy(() -> open(PLAIN.replace("'a':1", "'a':1,'a':1"))).isInstanceOf(DataException.class)
        .hasMessage("the files given: tokenizer.json is not JSON: line 1: Duplicate field 'a'. Copy the file again.");
    assertThatThrownBy(() -> open(PLAIN.replace("'a':1", "'a':16777217"))).isInstanceOf(DataException.class)
        .hasMessage("the files given: token 'a' of tokenizer.json has the id 16777217, which is not a number from 0 to "
            + "16777216");
  }

  @Test
  void textsBeyondAnyContext() {
    try (Tokenizer plain = open(PLAIN); Tokenizer wide = open(with("normalizer", "{'type':'NFKC'}"))) {
      assertThat(plain.encode("a".repeat(1 << 19))).hasSize(1);
      assertThatThrownBy(() -> plain.encode("a".repeat(524_289))).isInstanceOf(DataException.class)
          .hasMessage("a text of 524289 characters may have 524289 when it is normalized, more than 524288. Leave it "
              + "out, "
              + "or cut it.");
      // 29128 x 18 = 524304 > 524288
      assertThatThrownBy(() -> wide.encode("\ufdfa".repeat(29_128))).isInstanceOf(DataException.class)
          .hasMessage("a text of 29128 characters may have 524304 when it is normalized, more than 524288. Leave it "
              + "out, "
              + "or cut it.");
      assertThat(wide.encode("\ufdfa".repeat(29_127))).hasSize(1);
    }
  }

  @Test
  void theWorstTextOfAPatternThatPasses() {
    // fails at the first position alone, after (8 + 2 + 1) x 524288 = 5.8 million steps of the 10 million allowed
    String regex = "\\\\Ab?b?b?a+[cd]|\\\\Ab?a+[cd]|\\\\Aa+[cd]|[^x]+";
    String split = "{'type':'Split','pattern':{'Regex':'" + regex + "'},'behavior':'Isolated','invert':false}";
    try (Tokenizer tokenizer = open(with("pre_tokenizer", split))) {
      assertThat(tokenizer.encode("a".repeat(1 << 19))).containsExactly(0);
    }
  }

  @Test
  void damagedTokenizers(TestReporter reporter) throws Exception {
    Path golden = Path.of(HostileTokenizerTest.class.getResource("/tokenizers/qwen2-tiny/tokenizer.json").toURI());
    String llama = "{'version':'1.0','added_tokens':[{'id':9,'content':'<s>','special':true}],'normalizer':{'type':"
        + "'Sequence','normalizers':[{'type':'Prepend','prepend':'_'},{'type':'Replace','pattern':{'String':' "
        + "'},'content'"
        + ":'_'},{'type':'NFC'}]},'pre_tokenizer':{'type':'Sequence','pretokenizers':[{'type':'Split','pattern':{'"
        + "Regex':"
        + "' "
        + "?\\\\p{L}+|\\\\s+(?!\\\\S)|.'},'behavior':'Isolated','invert':false},{'type':'Digits','individual_digits'"
        + ":true}"
        + "]},'decoder':{'type':'Sequence','decoders':[{'type':'Replace','pattern':{'String':'_'},'content':' "
        + "'},{'type':"
        + "'ByteFallback'},{'type':'Fuse'},{'type':'Strip','content':' ','start':1,'stop':0}]},'model':{'type':'BPE',"
        + "'vocab':{'<unk>':0,'<0x61>':1,'a':2,'b':3,'ab':4,'_':5,'_a':6},'merges':[['a','b'],['_','a']],'unk_token':"
        + "'<unk>','byte_fallback':true,'fuse_unk':true}}";
    String unigram = PLAIN.replaceAll("'model'.*", "'model':{'type':'Unigram','unk_id':0,'vocab':[['<unk>',0.0],"
        + "['a',-1.5],['ab',-2.5],['b',-3.0]],'byte_fallback':false}}").replace("'pre_tokenizer':null",
        "'pre_tokenizer':{'type':'Metaspace','replacement':'_','prepend_scheme':'always','split':true}");
    List<String> valid = List.of(Files.readString(golden), llama.replace('\'', '"'), unigram.replace('\'', '"'),
        new String(BytePairs.train(List.of("abab aabb"), 270).get(Tokenizer.TOKENIZER),
            StandardCharsets.UTF_8));
    Mutations.Record record = Assertions.assertTimeoutPreemptively(Duration.ofMinutes(20), () -> fuzz(valid));
    reporter.publishEntry("tokenizers", record.toString());
    assertThat(record.loaded()).isGreaterThan(300);
    assertThat(record.refusals()).hasSizeGreaterThan(20);
  }

  private static Mutations.Record fuzz(List<String> valid) throws IOException {
    Random random = new Random(4);
    Mutations.Record record = new Mutations.Record(64 << 20);
    for (int i = 0; i < 3000; i++) {
      String from = valid.get(i % valid.size());
      byte[] bytes = i % 3 == 2 ? Mutations.json(from, random).getBytes(StandardCharsets.UTF_8)
          : Mutations.bytes(from.getBytes(StandardCharsets.UTF_8), random);
      record.attempt(i, DataException.class, () -> {
        try (Tokenizer tokenizer = Tokenizer.of(Map.of(Tokenizer.TOKENIZER, bytes))) {
          for (String text : List.of("", "a", "ab aab  é1\n<unk>", "\ud83d\ude00\u0000_ab<s>")) {
            tokenizer.decode(tokenizer.encode(text));
          }
          tokenizer.decode(new int[] {0, 1, 2, 3, 4, 5, 6, 7, 255});
        }
      });
    }
    return record;
  }
}
