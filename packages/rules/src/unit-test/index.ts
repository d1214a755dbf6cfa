export {
  failuresOf,
  type RuleTestCase,
  type RuleTestOptions,
  type RuleTestReport,
  runRuleTestFile,
  runRuleTests,
} from "./run.ts";
export {
  type AlertExpectation,
  type ExpressionExpectation,
  maxEvalTime,
  parseRuleTestFile,
  type RuleTestFile,
  type RuleTestGroup,
  type TestSeries,
} from "./test-file.ts";
