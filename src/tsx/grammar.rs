//! The grammars, and node kinds as an enum: what the walk matches on.

use std::sync::{LazyLock, Mutex};

use tree_sitter::{Node, Parser};

use super::recent::Recent;
use super::slow::Slow;
use crate::protocol::tsx::Language;

/// Which of the two grammars reads a language, with its kinds looked up once.
pub(super) struct Grammar {
    /// For the parser.
    pub(super) language: tree_sitter::Language,
    /// Parsers for it that nobody uses.
    pub(super) parsers: Mutex<Vec<Parser>>,
    /// What was parsed last of the texts that somebody edits.
    pub(super) recent: Recent,
    /// What took too long.
    pub(super) slow: Slow,
    /// By kind id.
    kinds: Vec<Kind>,
}

impl Grammar {
    /// The grammar for `language`. Only the TypeScript grammar knows casts (`<T>x`), only the TSX
    /// grammar knows JSX; like the TypeScript compiler, the latter reads all of JavaScript.
    pub(super) fn of(language: Language) -> &'static Self {
        static TYPESCRIPT: LazyLock<Grammar> =
            LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TYPESCRIPT.into()));
        static TSX: LazyLock<Grammar> = LazyLock::new(|| Grammar::new(tree_sitter_typescript::LANGUAGE_TSX.into()));
        match language {
            Language::Ts => &TYPESCRIPT,
            Language::Tsx | Language::Jsx | Language::Js => &TSX,
        }
    }

    fn new(language: tree_sitter::Language) -> Self {
        let kind = |id: usize| language.node_kind_for_id(id as u16).map_or(Kind::Other, Kind::named);
        let kinds = (0..language.node_kind_count()).map(kind).collect();
        Self { language, parsers: Mutex::default(), recent: Recent::default(), slow: Slow::default(), kinds }
    }

    /// What a node is.
    pub(super) fn kind(&self, node: Node<'_>) -> Kind {
        if node.is_error() {
            return Kind::Error;
        }
        self.kinds.get(usize::from(node.kind_id())).copied().unwrap_or(Kind::Other)
    }
}

macro_rules! kinds {
    ($($kind:ident = $name:literal,)*) => {
        /// The kinds of nodes and tokens that carry facts.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum Kind {
            $(#[doc = concat!("`", $name, "`")] $kind,)*
            /// Source that does not parse.
            Error,
            /// Everything else.
            Other,
        }

        impl Kind {
            fn named(name: &str) -> Self {
                match name {
                    $($name => Self::$kind,)*
                    _ => Self::Other,
                }
            }
        }
    };
}

kinds! {
    // Tokens.
    As = "as",
    Comma = ",",
    Default = "default",
    Const = "const",
    Equals = "=",
    Import = "import",
    Get = "get",
    Global = "global",
    Minus = "-",
    NamespaceWord = "namespace",
    Readonly = "readonly",
    Set = "set",
    Star = "*",
    Static = "static",
    Type = "type",
    // Names and literals.
    Comment = "comment",
    HtmlComment = "html_comment",
    Identifier = "identifier",
    TypeIdentifier = "type_identifier",
    NestedIdentifier = "nested_identifier",
    NestedTypeIdentifier = "nested_type_identifier",
    TypeQuery = "type_query",
    MemberExpression = "member_expression",
    PropertyIdentifier = "property_identifier",
    PrivateIdentifier = "private_property_identifier",
    ComputedName = "computed_property_name",
    String = "string",
    Number = "number",
    True = "true",
    False = "false",
    Null = "null",
    TemplateString = "template_string",
    TemplateSubstitution = "template_substitution",
    // Modules.
    Program = "program",
    ImportStatement = "import_statement",
    ImportClause = "import_clause",
    NamespaceImport = "namespace_import",
    NamedImports = "named_imports",
    ImportSpecifier = "import_specifier",
    ImportRequireClause = "import_require_clause",
    ImportAlias = "import_alias",
    ExportStatement = "export_statement",
    ExportClause = "export_clause",
    ExportSpecifier = "export_specifier",
    NamespaceExport = "namespace_export",
    // Declarations.
    AmbientDeclaration = "ambient_declaration",
    LexicalDeclaration = "lexical_declaration",
    VariableDeclaration = "variable_declaration",
    VariableDeclarator = "variable_declarator",
    FunctionDeclaration = "function_declaration",
    GeneratorFunctionDeclaration = "generator_function_declaration",
    FunctionSignature = "function_signature",
    ClassDeclaration = "class_declaration",
    AbstractClassDeclaration = "abstract_class_declaration",
    ClassHeritage = "class_heritage",
    ExtendsClause = "extends_clause",
    EnumDeclaration = "enum_declaration",
    InterfaceDeclaration = "interface_declaration",
    TypeAliasDeclaration = "type_alias_declaration",
    InternalModule = "internal_module",
    Module = "module",
    // Members, and what holds them.
    ClassBody = "class_body",
    InterfaceBody = "interface_body",
    EnumBody = "enum_body",
    Decorator = "decorator",
    MethodDefinition = "method_definition",
    MethodSignature = "method_signature",
    AbstractMethodSignature = "abstract_method_signature",
    FieldDefinition = "public_field_definition",
    PropertySignature = "property_signature",
    EnumAssignment = "enum_assignment",
    RequiredParameter = "required_parameter",
    OptionalParameter = "optional_parameter",
    AccessibilityModifier = "accessibility_modifier",
    OverrideModifier = "override_modifier",
    // Statements.
    LabeledStatement = "labeled_statement",
    ForInStatement = "for_in_statement",
    // Patterns.
    ObjectPattern = "object_pattern",
    ArrayPattern = "array_pattern",
    PairPattern = "pair_pattern",
    AssignmentPattern = "assignment_pattern",
    ObjectAssignmentPattern = "object_assignment_pattern",
    RestPattern = "rest_pattern",
    ShorthandPattern = "shorthand_property_identifier_pattern",
    // Expressions.
    Object = "object",
    Array = "array",
    Pair = "pair",
    ArrowFunction = "arrow_function",
    FunctionExpression = "function_expression",
    GeneratorFunction = "generator_function",
    Class = "class",
    CallExpression = "call_expression",
    UnaryExpression = "unary_expression",
    BinaryExpression = "binary_expression",
    ParenthesizedExpression = "parenthesized_expression",
    AsExpression = "as_expression",
    SatisfiesExpression = "satisfies_expression",
    NonNullExpression = "non_null_expression",
    // JSX.
    JsxElement = "jsx_element",
    JsxSelfClosingElement = "jsx_self_closing_element",
    JsxOpeningElement = "jsx_opening_element",
    JsxAttribute = "jsx_attribute",
    JsxExpression = "jsx_expression",
    SpreadElement = "spread_element",
}

impl Kind {
    /// Comments may stand between any two parts of anything.
    pub(super) fn is_comment(self) -> bool {
        matches!(self, Self::Comment | Self::HtmlComment)
    }
}
