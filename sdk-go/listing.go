package rockqueue

import "iter"

// listing walks the pages of a listing as the loop goes on; an error ends it.
func listing[Message, Item any](
	fetch func(token string) (page []Message, next string, err error), convert func(Message) Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for token := ""; ; {
			page, next, err := fetch(token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, message := range page {
				if !yield(convert(message), nil) {
					return
				}
			}
			if next == "" {
				return
			}
			token = next
		}
	}
}

// collect returns a listing whole.
func collect[Item any](found iter.Seq2[Item, error]) ([]Item, error) {
	var all []Item
	for one, err := range found {
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}
