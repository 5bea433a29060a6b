//! What is wrong with an item, shown by the compiler at the place.

use proc_macro::{Delimiter, Group, Ident, Literal, Punct, Spacing, Span, TokenStream, TokenTree};

/// A message and its place.
pub(crate) struct Fault {
    message: String,
    span: Span,
}

impl Fault {
    pub(crate) fn new(message: impl Into<String>, span: Span) -> Self {
        Self { message: message.into(), span }
    }

    /// `compile_error! { "…" }` at the place.
    pub(crate) fn compile_error(&self) -> TokenStream {
        let mut text = Literal::string(&self.message);
        text.set_span(self.span);
        let mut body = Group::new(Delimiter::Brace, TokenStream::from(TokenTree::Literal(text)));
        body.set_span(self.span);
        let mut bang = Punct::new('!', Spacing::Alone);
        bang.set_span(self.span);
        [TokenTree::Ident(Ident::new("compile_error", self.span)), TokenTree::Punct(bang), TokenTree::Group(body)]
            .into_iter()
            .collect()
    }
}
